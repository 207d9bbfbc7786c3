package evacuation

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	k8scorev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var noon = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) metav1.Time { return metav1.NewTime(noon.Add(-d)) }

func node(name string, changes ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), ResourceVersion: "1", CreationTimestamp: ago(time.Hour)}}
	for _, change := range changes {
		change(n)
	}
	return n
}

func says(kind k8scorev1.NodeConditionType, status k8scorev1.ConditionStatus) func(*corev1.Node) {
	return since(kind, status, 10*time.Minute)
}

func since(kind k8scorev1.NodeConditionType, status k8scorev1.ConditionStatus, before time.Duration) func(*corev1.Node) {
	return func(n *corev1.Node) {
		n.Status.Conditions = append(n.Status.Conditions, k8scorev1.NodeCondition{
			Type: kind, Status: status, Reason: "Posted", LastHeartbeatTime: ago(time.Minute), LastTransitionTime: ago(before),
		})
	}
}

func taintedBy(key string, effect k8scorev1.TaintEffect, before time.Duration) func(*corev1.Node) {
	return func(n *corev1.Node) {
		added := ago(before)
		n.Spec.Taints = append(n.Spec.Taints, k8scorev1.Taint{Key: key, Effect: effect, TimeAdded: &added})
	}
}

var (
	isReady   = says(k8scorev1.NodeReady, k8scorev1.ConditionTrue)
	notReady  = says(k8scorev1.NodeReady, k8scorev1.ConditionFalse)
	isUnknown = says(k8scorev1.NodeReady, k8scorev1.ConditionUnknown)
)

// taintsOf are the taints that a node will have by a plan.
func taintsOf(n *corev1.Node) []string {
	taints := []string{}
	for _, taint := range n.Spec.Taints {
		taints = append(taints, strings.TrimPrefix(taint.Key, "node.kubernetes.io/")+":"+string(taint.Effect))
	}
	slices.Sort(taints)
	return taints
}

// others are nodes of which so many are ready and so many unknown, for so long.
func others(ready, unknown int) []corev1.Node {
	var nodes []corev1.Node
	for i := range ready {
		nodes = append(nodes, *node(fmt.Sprintf("ready-%d", i), isReady))
	}
	for i := range unknown {
		nodes = append(nodes, *node(fmt.Sprintf("unknown-%d", i), since(k8scorev1.NodeReady, k8scorev1.ConditionUnknown, time.Minute)))
	}
	return nodes
}

func TestWhoIsEmptied(t *testing.T) {
	const noExecute = k8scorev1.TaintEffectNoExecute
	emptied := func(before time.Duration) corev1.Node {
		return *node("emptied", isUnknown, taintedBy(k8scorev1.TaintNodeUnreachable, noExecute, before))
	}
	unreachable := taintedBy(k8scorev1.TaintNodeUnreachable, noExecute, time.Minute)
	for _, test := range []struct {
		name  string
		node  *corev1.Node
		nodes []corev1.Node
		want  []string
	}{
		{"a ready node is not", node("a", isReady), others(1, 0), nil},
		{"a node that never posted is not", node("a"), others(1, 0), nil},
		{"a node that is ready again is no more", node("a", isReady, unreachable), others(1, 0), nil},
		{"taints of others stay", node("a", isReady, taintedBy("example.com/mine", noExecute, time.Minute)), nil, []string{"example.com/mine:NoExecute"}},
		{"a node that is not ready is", node("a", notReady), others(3, 0), []string{"not-ready:NoExecute"}},
		{"a silent node is", node("a", isUnknown), others(3, 0), []string{"unreachable:NoExecute"}},
		{
			"a node that falls silent meanwhile stays so",
			node("a", isUnknown, taintedBy(k8scorev1.TaintNodeNotReady, noExecute, time.Minute)), others(3, 0), []string{"unreachable:NoExecute"},
		},
		{"nobody is when no node is ready", node("a", isUnknown), others(0, 3), nil},
		{"and those that were, are no more", node("a", isUnknown, unreachable), others(0, 3), nil},
		{"nobody is right after another of its zone", node("a", isUnknown), append(others(5, 0), emptied(9*time.Second)), nil},
		{"the next is after 10 s", node("a", isUnknown), append(others(5, 0), emptied(10*time.Second)), []string{"unreachable:NoExecute"}},
		{
			"the one that has been silent for longer is first",
			node("a", since(k8scorev1.NodeReady, k8scorev1.ConditionUnknown, time.Second)), others(5, 1), nil,
		},
		{"nobody is in a small zone of which most are silent", node("a", isUnknown), others(2, 2), nil},
		{"one is in a large zone", node("a", isUnknown), others(20, 40), []string{"unreachable:NoExecute"}},
		{"the next there is not after 99 s", node("a", isUnknown), append(others(20, 40), emptied(99*time.Second)), nil},
		{"but after 100 s", node("a", isUnknown), append(others(20, 40), emptied(100*time.Second)), []string{"unreachable:NoExecute"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			wanted := test.node
			w := world{nodes: append(test.nodes, *test.node)}
			for _, step := range (controller{}).Plan(test.node, w, noon).Steps() {
				wanted = step.(*plan.Patch).Wanted().(*corev1.Node)
			}
			if got := taintsOf(wanted); !slices.Equal(got, test.want) {
				t.Errorf("the taints are %v, want %v", got, test.want)
			}
		})
	}
}
