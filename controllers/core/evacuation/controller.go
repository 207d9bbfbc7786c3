package evacuation

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list;watch;patch

// Loop begins to empty nodes that are not ready.
func Loop() loop.Loop {
	return loop.New[*ocorev1.Node, world]("evacuation", controller{}, loop.OneByOne(), loop.When(turned))
}

type controller struct{}

// turned passes nodes that are new, or may need another taint.
var turned = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		was, is := e.ObjectOld.(*ocorev1.Node), e.ObjectNew.(*ocorev1.Node)
		return due(was) != due(is) || has(is) != due(is)
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// world are all nodes. They are read only if the node is not ready.
type world struct{ nodes []ocorev1.Node }

// Observe reads how the other nodes are, if the node is not ready.
func (controller) Observe(ctx context.Context, read client.Reader, node *ocorev1.Node) (world, error) {
	if due(node) == "" {
		return world{}, nil
	}
	var nodes ocorev1.NodeList
	if err := read.List(ctx, &nodes); err != nil {
		return world{}, fmt.Errorf("listing nodes: %w", err)
	}
	return world{nodes: nodes.Items}, nil
}

// due is the key of the taint that stands for how a node is; empty for one that is ready, or has never said.
func due(node *ocorev1.Node) string {
	switch {
	case nodestatus.Is(node, corev1.NodeReady, corev1.ConditionFalse):
		return corev1.TaintNodeNotReady
	case nodestatus.Is(node, corev1.NodeReady, corev1.ConditionUnknown):
		return corev1.TaintNodeUnreachable
	default:
		return ""
	}
}

// ours reports that a taint is one of the two.
func ours(key string) bool {
	return key == corev1.TaintNodeNotReady || key == corev1.TaintNodeUnreachable
}

// taintOf is the taint by which a node is being emptied; nil if it is not.
func taintOf(node *ocorev1.Node) *corev1.Taint {
	for i, taint := range node.Spec.Taints {
		if taint.Effect == corev1.TaintEffectNoExecute && ours(taint.Key) {
			return &node.Spec.Taints[i]
		}
	}
	return nil
}

// has is the key of that taint, or empty.
func has(node *ocorev1.Node) string {
	if taint := taintOf(node); taint != nil {
		return taint.Key
	}
	return ""
}
