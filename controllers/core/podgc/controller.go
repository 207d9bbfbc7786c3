package podgc

import (
	"context"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/onnode"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;delete
// +kubebuilder:rbac:groups="",resources=pods/status,verbs=patch

// Controller decides for Pods.
type Controller struct{}

var _ loop.Controller[*ocorev1.Pod, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("pod-garbage-collector-controller", Controller{},
		onnode.Indexed(),
		loop.When(boundOrDeleted),
		loop.Watches(podsOf, cameOrWent),
	)
}

// podsOf names the pods of a node.
func podsOf(ctx context.Context, read client.Reader, node *ocorev1.Node) ([]client.ObjectKey, error) {
	return onnode.Keys(ctx, read, node.Name)
}

// boundOrDeleted lets pass that a pod is new, has come to a node, or is being deleted.
var boundOrDeleted = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		was, is := e.ObjectOld.(*ocorev1.Pod), e.ObjectNew.(*ocorev1.Pod)
		return was.Spec.NodeName != is.Spec.NodeName || (was.DeletionTimestamp == nil) != (is.DeletionTimestamp == nil)
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// cameOrWent lets pass that a node comes, goes, or is out of service.
var cameOrWent = loop.Update(func(_, is *ocorev1.Node) bool { return outOfService(is) })
