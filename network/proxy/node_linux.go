package proxy

import (
	"k8s.io/apimachinery/pkg/api/equality"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// concerns says whether what happened to an object matters here: not so what happens to other Nodes, and most of what happens to our own
// are heartbeats.
func (o Options) concerns(was, is any) bool {
	before, ok := was.(*ocorev1.Node)
	after, okay := is.(*ocorev1.Node)
	if !ok || !okay {
		return true
	}
	return after.Name == o.NodeName && (!equality.Semantic.DeepEqual(before.Labels, after.Labels) ||
		!equality.Semantic.DeepEqual(before.Spec.Taints, after.Spec.Taints) ||
		before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero())
}
