package terminatedpodgc

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Options say how many pods may lie about. The zero value has upstream's.
type Options struct {
	// Threshold is how many terminated pods are kept; 0 means 12500, below 0 all.
	Threshold int
}

func (o Options) withDefaults() Options {
	if o.Threshold == 0 {
		o.Threshold = 12500
	}
	return o
}

// gather is how long pods that end are collected for one pass.
const gather = time.Second

// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;delete

// Controller decides for all terminated Pods at once.
type Controller struct{ Options }

var _ loop.GroupController[world] = Controller{}

// Loop is the controller with its watches.
func Loop(options Options) loop.Loop {
	return loop.NewGroup("terminated-pod-garbage-collector-controller", Controller{options.withDefaults()},
		loop.WatchesAll(&ocorev1.Pod{}, gather, becameTerminated),
		loop.Indexes(&ocorev1.Pod{}, terminatedField, indexTerminated),
	)
}

// becameTerminated lets pass that a pod has ended.
var becameTerminated = predicate.Funcs{
	CreateFunc: func(e event.CreateEvent) bool { return replicas.Ended(e.Object.(*ocorev1.Pod)) },
	UpdateFunc: func(e event.UpdateEvent) bool {
		return !replicas.Ended(e.ObjectOld.(*ocorev1.Pod)) && replicas.Ended(e.ObjectNew.(*ocorev1.Pod))
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// terminatedField is the index by which terminated pods are found: they have one value there, and others none.
const (
	terminatedField = "terminated"
	isTerminated    = "true"
)

func indexTerminated(obj client.Object) []string {
	if pod, ok := obj.(*ocorev1.Pod); ok && replicas.Ended(pod) {
		return []string{isTerminated}
	}
	return nil
}
