package evacuation

import (
	"context"
	"fmt"

	corev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/framework/loop"
	k8scorev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list;watch;patch

// Loop begins to empty nodes that are not ready.
func Loop() loop.Loop {
	return loop.New[*corev1.Node, world]("evacuation", controller{}, loop.OneByOne(), loop.When(turned))
}

type controller struct{}

// turned passes nodes that are new, or may need another taint.
var turned = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		was, is := e.ObjectOld.(*corev1.Node), e.ObjectNew.(*corev1.Node)
		return due(was) != due(is) || has(is) != due(is)
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// world are all nodes. They are read only if the node is not ready.
type world struct{ nodes []corev1.Node }

// Observe reads how the other nodes are, if the node is not ready.
func (controller) Observe(ctx context.Context, read client.Reader, node *corev1.Node) (world, error) {
	if due(node) == "" {
		return world{}, nil
	}
	var nodes corev1.NodeList
	if err := read.List(ctx, &nodes); err != nil {
		return world{}, fmt.Errorf("listing nodes: %w", err)
	}
	return world{nodes: nodes.Items}, nil
}

// due is the key of the taint that stands for how a node is; empty for one that is ready, or has never said.
func due(node *corev1.Node) string {
	switch {
	case nodestatus.Is(node, k8scorev1.NodeReady, k8scorev1.ConditionFalse):
		return k8scorev1.TaintNodeNotReady
	case nodestatus.Is(node, k8scorev1.NodeReady, k8scorev1.ConditionUnknown):
		return k8scorev1.TaintNodeUnreachable
	default:
		return ""
	}
}

// ours reports that a taint is one of the two.
func ours(key string) bool {
	return key == k8scorev1.TaintNodeNotReady || key == k8scorev1.TaintNodeUnreachable
}

// taintOf is the taint by which a node is being emptied; nil if it is not.
func taintOf(node *corev1.Node) *k8scorev1.Taint {
	for i, taint := range node.Spec.Taints {
		if taint.Effect == k8scorev1.TaintEffectNoExecute && ours(taint.Key) {
			return &node.Spec.Taints[i]
		}
	}
	return nil
}

// has is the key of that taint, or empty.
func has(node *corev1.Node) string {
	if taint := taintOf(node); taint != nil {
		return taint.Key
	}
	return ""
}
