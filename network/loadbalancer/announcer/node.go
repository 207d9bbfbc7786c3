package announcer

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// Trim leaves of a Node what the announcer and the service proxy depend on. It is the transform of a cache that nobody else reads.
func Trim(object any) (any, error) {
	node, ok := object.(*ocorev1.Node)
	if !ok {
		return object, nil
	}
	trimmed := &ocorev1.Node{TypeMeta: node.TypeMeta}
	trimmed.Name, trimmed.UID, trimmed.ResourceVersion = node.Name, node.UID, node.ResourceVersion
	trimmed.Labels, trimmed.DeletionTimestamp = node.Labels, node.DeletionTimestamp
	trimmed.Spec.Taints = node.Spec.Taints
	trimmed.Status.Addresses = node.Status.Addresses
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			trimmed.Status.Conditions = []corev1.NodeCondition{{Type: condition.Type, Status: condition.Status}}
		}
	}
	return trimmed, nil
}

// concerns says that an object was changed in what announcements depend on. Most of what happens to a Node are heartbeats.
func concerns(was, is any) bool {
	before, ok := was.(*ocorev1.Node)
	after, okay := is.(*ocorev1.Node)
	if !ok || !okay {
		return true
	}
	return isReady((*corev1.Node)(before)) != isReady((*corev1.Node)(after)) || !slices.Equal(before.Status.Addresses, after.Status.Addresses) ||
		!equality.Semantic.DeepEqual(before.Labels, after.Labels)
}
