package horizontalpodautoscaler

import (
	"cmp"
	"time"

	oautoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	"github.com/orrery-dev/orrery/framework/loop"
	metricsv1beta1 "k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
	"k8s.io/metrics/pkg/client/custom_metrics"
	"k8s.io/metrics/pkg/client/external_metrics"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Options are how metrics are read, and how much is made of them.
type Options struct {
	// Resource, Custom and External ask the metrics APIs: metrics.k8s.io, custom.metrics.k8s.io and external.metrics.k8s.io.
	// Required, be the APIs served or not.
	Resource metricsv1beta1.PodMetricsesGetter
	Custom   custom_metrics.CustomMetricsClient
	External external_metrics.ExternalMetricsClient

	// Workers is how many autoscalers are looked at side by side; 0 means 5.
	Workers int
	// SyncPeriod is how often each autoscaler is looked at; 0 means 15 s.
	SyncPeriod time.Duration
	// DownscaleStabilization is for how long no fewer replicas are kept than were recommended, where the autoscaler does not say;
	// 0 means 5 min.
	DownscaleStabilization time.Duration
	// Tolerance is by what part a metric may be off its target without anything being done, where the autoscaler does not say; 0 means 0.1.
	Tolerance float64
	// CPUInitializationPeriod is for how long after a pod's start its use of CPU counts only once it is ready; 0 means 5 min.
	CPUInitializationPeriod time.Duration
	// InitialReadinessDelay is until how long after a pod's start a pod that became unready counts as one that has never been
	// ready; 0 means 30 s.
	InitialReadinessDelay time.Duration
}

func (o Options) withDefaults() Options {
	o.Workers = cmp.Or(o.Workers, 5)
	o.SyncPeriod = cmp.Or(o.SyncPeriod, 15*time.Second)
	o.DownscaleStabilization = cmp.Or(o.DownscaleStabilization, 5*time.Minute)
	o.Tolerance = cmp.Or(o.Tolerance, 0.1)
	o.CPUInitializationPeriod = cmp.Or(o.CPUInitializationPeriod, 5*time.Minute)
	o.InitialReadinessDelay = cmp.Or(o.InitialReadinessDelay, 30*time.Second)
	return o
}

// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers,verbs=get;list;watch
// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=pods;replicationcontrollers,verbs=list;watch
// +kubebuilder:rbac:groups=apps,resources=deployments;replicasets;statefulsets,verbs=list;watch
// +kubebuilder:rbac:groups=*,resources=*/scale,verbs=get;update
// +kubebuilder:rbac:groups=metrics.k8s.io,resources=pods,verbs=list
// +kubebuilder:rbac:groups=custom.metrics.k8s.io,resources=*,verbs=get
// +kubebuilder:rbac:groups=external.metrics.k8s.io,resources=*,verbs=list
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for HorizontalPodAutoscalers.
type Controller struct{ options Options }

var _ loop.Controller[*oautoscalingv2.HorizontalPodAutoscaler, world] = Controller{}

// Loop is the controller with its watches. Nothing but a change of what is asked for wakes it out of turn: metrics have no watch, and
// its own status must not.
func Loop(o Options) loop.Loop {
	o = o.withDefaults()
	registerMetrics()
	return loop.New("horizontal-pod-autoscaler-controller", Controller{o},
		loop.When(predicate.GenerationChangedPredicate{}),
		loop.Workers(o.Workers),
		loop.RecordsAs(eventSource),
	)
}
