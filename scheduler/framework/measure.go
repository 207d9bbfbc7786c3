package framework

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// measures are the profile's series of metrics that every attempt writes to, so that their labels are looked up once.
type measures struct {
	series      sync.RWMutex
	durations   map[durationOf]prometheus.Observer
	evaluations map[evaluationOf]prometheus.Counter
}

type (
	durationOf   struct{ point, code string }
	evaluationOf struct{ point, plugin string }
)

// timed records how long all plugins of a point took. Use: defer f.timed(Filter, &status)().
func (f *Framework) timed(point string, status **fwk.Status) func() {
	start := time.Now()
	return func() { f.took(point, (*status).Code(), time.Since(start)) }
}

func (f *Framework) took(point string, code fwk.Code, duration time.Duration) {
	key := durationOf{point, code.String()}
	observer := lookUp(&f.series, &f.durations, key, func() prometheus.Observer {
		return metrics.ExtensionPointDuration.WithLabelValues(point, key.code, f.ProfileName())
	})
	observer.Observe(duration.Seconds())
}

// evaluated counts that a plugin took part in an attempt, unless it stepped aside.
func (f *Framework) evaluated(point, plugin string, status *fwk.Status) {
	if status.IsSkip() {
		return
	}
	lookUp(&f.series, &f.evaluations, evaluationOf{point, plugin}, func() prometheus.Counter {
		return metrics.PluginEvaluations.WithLabelValues(plugin, point, f.ProfileName())
	}).Inc()
}

func lookUp[K comparable, S any](mutex *sync.RWMutex, known *map[K]S, key K, find func() S) S {
	mutex.RLock()
	series, found := (*known)[key]
	mutex.RUnlock()
	if found {
		return series
	}
	mutex.Lock()
	defer mutex.Unlock()
	if *known == nil {
		*known = map[K]S{}
	}
	(*known)[key] = find()
	return (*known)[key]
}
