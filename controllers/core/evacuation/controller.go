package evacuation

import (
	"cmp"
	"context"
	"fmt"
	"slices"

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
	return loop.NewGroup("evacuation", controller{}, loop.WatchesAll(&ocorev1.Node{}, 0, turned))
}

type controller struct{}

// turned passes nodes that come or go, or may need another taint.
var turned = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		was, is := e.ObjectOld.(*ocorev1.Node), e.ObjectNew.(*ocorev1.Node)
		return due(was) != due(is) || has(is) != due(is)
	},
}

// world are all nodes, by name.
type world struct{ nodes []ocorev1.Node }

// Observe reads all nodes: whose turn it is depends on all of them.
func (controller) Observe(ctx context.Context, view loop.View, _ client.ObjectKey) (world, error) {
	var nodes ocorev1.NodeList
	if err := view.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return world{}, fmt.Errorf("listing nodes: %w", err)
	}
	slices.SortFunc(nodes.Items, func(a, b ocorev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	return world{nodes.Items}, nil
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
