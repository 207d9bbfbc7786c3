package tainteviction

import (
	"context"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/onnode"
	"github.com/orrery-dev/orrery/framework/loop"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups="",resources=nodes,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;delete
// +kubebuilder:rbac:groups="",resources=pods/status,verbs=patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for Pods.
type Controller struct{}

var _ loop.Controller[*ocorev1.Pod, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("taint-eviction-controller", Controller{},
		onnode.Indexed(),
		loop.When(boundOrTolerates),
		loop.Watches(podsOf, taintsChanged),
	)
}

// podsOf names the pods of a node.
func podsOf(ctx context.Context, read client.Reader, node *ocorev1.Node) ([]client.ObjectKey, error) {
	return onnode.Keys(ctx, read, node.Name)
}

// boundOrTolerates lets pass that a pod has come to a node, and that its tolerations have changed.
var boundOrTolerates = predicate.Funcs{
	CreateFunc: func(e event.CreateEvent) bool { return e.Object.(*ocorev1.Pod).Spec.NodeName != "" },
	UpdateFunc: func(e event.UpdateEvent) bool {
		was, is := e.ObjectOld.(*ocorev1.Pod), e.ObjectNew.(*ocorev1.Pod)
		return was.Spec.NodeName != is.Spec.NodeName ||
			!equality.Semantic.DeepEqual(was.Spec.Tolerations, is.Spec.Tolerations)
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// taintsChanged lets pass that the taints of a node with effect NoExecute are others than before.
var taintsChanged = predicate.Funcs{
	CreateFunc: func(e event.CreateEvent) bool { return len(noExecute(e.Object.(*ocorev1.Node))) > 0 },
	UpdateFunc: func(e event.UpdateEvent) bool {
		return !equality.Semantic.DeepEqual(noExecute(e.ObjectOld.(*ocorev1.Node)), noExecute(e.ObjectNew.(*ocorev1.Node)))
	},
	DeleteFunc: func(event.DeleteEvent) bool { return true },
}
