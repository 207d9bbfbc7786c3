package gen

import (
	"slices"
	"strings"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Node builds a node that is an hour old and has never said how it is. Its UID is its name.
func Node(name string, changes ...func(*ocorev1.Node)) *ocorev1.Node {
	node := &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: name, UID: types.UID(name), ResourceVersion: "1", CreationTimestamp: Ago(time.Hour),
	}}
	for _, change := range changes {
		change(node)
	}
	return node
}

// The ways a node can be, for ten minutes.
var (
	NodeReady    = NodeSays(corev1.NodeReady, corev1.ConditionTrue)
	NodeNotReady = NodeSays(corev1.NodeReady, corev1.ConditionFalse)
	NodeUnknown  = NodeSays(corev1.NodeReady, corev1.ConditionUnknown)
)

// InZone puts a node into a zone.
func InZone(zone string) func(*ocorev1.Node) {
	return func(node *ocorev1.Node) { node.Labels = map[string]string{corev1.LabelTopologyZone: zone} }
}

// NodeSays gives a node a condition that has been so for ten minutes.
func NodeSays(kind corev1.NodeConditionType, status corev1.ConditionStatus) func(*ocorev1.Node) {
	return NodeSaysFor(10*time.Minute, kind, status)
}

// NodeSaysFor gives a node a condition that has been so for some time.
func NodeSaysFor(age time.Duration, kind corev1.NodeConditionType, status corev1.ConditionStatus) func(*ocorev1.Node) {
	return func(node *ocorev1.Node) {
		node.Status.Conditions = append(node.Status.Conditions, corev1.NodeCondition{
			Type: kind, Status: status, Reason: "Posted", LastHeartbeatTime: Ago(time.Minute), LastTransitionTime: Ago(age),
		})
	}
}

// Tainted gives a node a taint that it has had for some time.
func Tainted(key string, effect corev1.TaintEffect, age time.Duration) func(*ocorev1.Node) {
	return func(node *ocorev1.Node) {
		added := Ago(age)
		node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: key, Effect: effect, TimeAdded: &added})
	}
}

// TaintsOf are the taints of a node, sorted, as in not-ready:NoExecute; those of Kubernetes without their prefix.
func TaintsOf(node *ocorev1.Node) []string {
	taints := []string{}
	for _, taint := range node.Spec.Taints {
		taints = append(taints, strings.TrimPrefix(taint.Key, "node.kubernetes.io/")+":"+string(taint.Effect))
	}
	slices.Sort(taints)
	return taints
}
