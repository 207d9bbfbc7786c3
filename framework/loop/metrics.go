package loop

import (
	"sync"

	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	passesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "orrery_loop_passes_total",
		Help: "Passes of a loop, by how they ended: success, behind (the cache lacks own writes), conflict, wait, stop, throttled, namespace_terminating or error.",
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
)

// registerMetrics adds the metrics to controller-runtime's registry, once in a process.
var registerMetrics = sync.OnceFunc(func() {
	metrics.Registry.MustRegister(passesTotal, stepsTotal, planSteps)
})

func planned(loop string, p *plan.Plan) {
	planSteps.WithLabelValues(loop).Observe(float64(len(p.Steps())))
}

func tookStep(loop string, step plan.Step, err error) {
	result := "success"
	if err != nil {
		result = "error"
	}
	stepsTotal.WithLabelValues(loop, step.Verb(), result).Inc()
}
