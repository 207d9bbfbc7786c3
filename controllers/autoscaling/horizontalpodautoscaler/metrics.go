package horizontalpodautoscaler

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/prometheus/client_golang/prometheus"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// What is measured has the names, labels and buckets that it has in Kubernetes.
var (
	reconciliationsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Subsystem: subsystem, Name: "reconciliations_total",
		Help: "Number of reconciliations of HPA controller. " + labelsOfAll + " Note that if both spec and internal errors happen during a reconciliation, the first one to occur is reported in `error` label.",
	}, []string{"action", "error"})

	reconciliationDuration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Subsystem: subsystem, Name: "reconciliation_duration_seconds", Buckets: buckets,
		Help: "The time(seconds) that the HPA controller takes to reconcile once. " + labelsOfAll + " Note that if both spec and internal errors happen during a reconciliation, the first one to occur is reported in `error` label.",
	}, []string{"action", "error"})

	computationsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Subsystem: subsystem, Name: "metric_computation_total",
		Help: "Number of metric computations. " + labelsOfAll + " The label 'metric_type' corresponds to HPA.spec.metrics[*].type",
	}, []string{"action", "error", "metric_type"})

	computationDuration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Subsystem: subsystem, Name: "metric_computation_duration_seconds", Buckets: buckets,
		Help: "The time(seconds) that the HPA controller takes to calculate one metric. The label 'action' should be either 'scale_down', 'scale_up', or 'none'. " +
			"The label 'error' should be either 'spec', 'internal', or 'none'. The label 'metric_type' corresponds to HPA.spec.metrics[*].type",
	}, []string{"action", "error", "metric_type"})

	buckets = prometheus.ExponentialBuckets(0.001, 2, 15)

	registerMetrics = sync.OnceFunc(func() {
		metrics.Registry.MustRegister(reconciliationsTotal, reconciliationDuration, computationsTotal, computationDuration)
	})
)

const (
	subsystem   = "horizontal_pod_autoscaler_controller"
	labelsOfAll = "The label 'action' should be either 'scale_down', 'scale_up', or 'none'. Also, the label 'error' should be either 'spec', 'internal', or 'none'."
)

// computation is what came of one metric.
type computation struct {
	kind     autoscalingv2.MetricSourceType
	replicas int32
	err      error
	took     time.Duration
}

// measure is the step that counts a look at an autoscaler, whatever came of it. It changes nothing.
type measure struct{ *verdict }

// Verb is "measure".
func (measure) Verb() string { return "measure" }

func (m measure) String() string { return "measure what came of it" }

// Why is empty: it is measured at every look.
func (measure) Why() string { return "" }

// Idle reports that nothing is changed.
func (measure) Idle() bool { return true }

// Do counts a look of which nothing failed.
func (m measure) Do(ctx context.Context, act plan.Actor) error { return m.Report(ctx, act, nil) }

// Report counts a look, unless everything is decided anew at once.
func (m measure) Report(_ context.Context, act plan.Actor, failed error) error {
	if apierrors.IsConflict(failed) {
		return nil
	}
	action, wrong := direction(0), labelOf(m.wrong)
	switch {
	case failed != nil:
		wrong = labelOf(failed)
	case m.rescales():
		action = direction(m.desired - m.current)
	}
	reconciliationsTotal.WithLabelValues(action, wrong).Inc()
	reconciliationDuration.WithLabelValues(action, wrong).Observe(act.Now().Sub(m.world.began).Seconds())
	for _, c := range m.computations {
		action := direction(0)
		if c.err == nil {
			action = direction(c.replicas - m.hpa.Status.CurrentReplicas)
		}
		computationsTotal.WithLabelValues(action, labelOf(c.err), string(c.kind)).Inc()
		computationDuration.WithLabelValues(action, labelOf(c.err), string(c.kind)).Observe(c.took.Seconds())
	}
	return nil
}

func direction(by int32) string {
	switch {
	case by > 0:
		return "scale_up"
	case by < 0:
		return "scale_down"
	default:
		return "none"
	}
}

// mistake is what is wrong in an autoscaler's spec, whatever there is in the cluster.
type mistake struct{ error }

func labelOf(err error) string {
	switch {
	case err == nil:
		return "none"
	case errors.As(err, new(mistake)):
		return "spec"
	default:
		return "internal"
	}
}
