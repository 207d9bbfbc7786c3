package engine

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	passesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "orrery_loop_passes_total",
		Help: "Passes of a loop, by how they ended: success, gone, wait, stop, retry, error, or, in Kubernetes' world, behind (the cache lacks own writes), conflict, throttled or namespace_terminating.",
	}, []string{"loop", "outcome"})

	stepsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "orrery_loop_steps_total",
		Help: "Steps that a loop took, by verb and by whether they succeeded.",
	}, []string{"loop", "verb", "result"})

	planSteps = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "orrery_loop_plan_steps",
		Help:    "Steps in a plan; 0 where there was nothing to do.",
		Buckets: []float64{0, 1, 2, 4, 8, 16, 64, 256},
	}, []string{"loop"})

	panicsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "orrery_loop_panics_total",
		Help: "Panics of passes and tasks that became errors of their keys.",
	}, []string{"loop"})
)

// registerMetrics adds the metrics to a registry, unless it has them.
func registerMetrics(registry prometheus.Registerer) {
	if registry == nil {
		return
	}
	for _, collector := range []prometheus.Collector{passesTotal, stepsTotal, planSteps, panicsTotal} {
		var already prometheus.AlreadyRegisteredError
		if err := registry.Register(collector); err != nil && !errors.As(err, &already) {
			panic(err) // another metric has the name: a mistake of the program, not of its user
		}
	}
}

func planned(loop string, steps int) {
	planSteps.WithLabelValues(loop).Observe(float64(steps))
}

func tookStep(loop, verb string, err error) {
	result := "success"
	if err != nil {
		result = "error"
	}
	stepsTotal.WithLabelValues(loop, verb, result).Inc()
}
