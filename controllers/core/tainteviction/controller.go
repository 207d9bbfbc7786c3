package tainteviction

import (
	"context"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/onnode"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;delete
// +kubebuilder:rbac:groups="",resources=pods/status,verbs=patch

// Loop evicts pods from tainted nodes.
func Loop() loop.Loop {
	return loop.New[*ocorev1.Pod, world]("tainteviction", controller{},
		onnode.Indexed(),
		loop.When(bound),
		loop.Watches(func(ctx context.Context, read client.Reader, node *ocorev1.Node) ([]client.ObjectKey, error) {
			return onnode.Keys(ctx, read, node.Name)
		}, retainted),
	)
}

type controller struct{}

// bound passes pods that have come to a node, and those whose tolerations have changed.
var bound = predicate.Funcs{
	CreateFunc: func(e event.CreateEvent) bool { return e.Object.(*ocorev1.Pod).Spec.NodeName != "" },
	UpdateFunc: func(e event.UpdateEvent) bool {
		was, is := e.ObjectOld.(*ocorev1.Pod), e.ObjectNew.(*ocorev1.Pod)
		return was.Spec.NodeName != is.Spec.NodeName ||
			!equality.Semantic.DeepEqual(was.Spec.Tolerations, is.Spec.Tolerations)
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// retainted passes nodes whose taints with effect NoExecute have changed.
var retainted = predicate.Funcs{
	CreateFunc: func(e event.CreateEvent) bool { return len(noExecute(e.Object.(*ocorev1.Node))) > 0 },
	UpdateFunc: func(e event.UpdateEvent) bool {
		return !equality.Semantic.DeepEqual(noExecute(e.ObjectOld.(*ocorev1.Node)), noExecute(e.ObjectNew.(*ocorev1.Node)))
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// noExecute are the taints of a node that make pods leave.
func noExecute(node *ocorev1.Node) []corev1.Taint {
	var taints []corev1.Taint
	for _, taint := range node.Spec.Taints {
		if taint.Effect == corev1.TaintEffectNoExecute {
			taints = append(taints, taint)
		}
	}
	return taints
}
