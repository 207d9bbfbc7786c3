package nodelifecycle

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

func TestTaints(t *testing.T) {
	const noSchedule, noExecute = k8scorev1.TaintEffectNoSchedule, k8scorev1.TaintEffectNoExecute
	for _, test := range []struct {
		name string
		node *corev1.Node
		want []string
	}{
		{"a ready node has none", node("a", isReady), nil},
		{"a node that never posted has none", node("a"), nil},
		{"a ready node loses those it had", node("a", isReady, taintedBy(k8scorev1.TaintNodeUnreachable, noSchedule, time.Minute)), nil},
		{"taints of others stay", node("a", isReady, taintedBy("example.com/mine", noSchedule, time.Minute)), []string{"example.com/mine:NoSchedule"}},
		{
			"those that make pods leave stay", node("a", isReady, taintedBy(k8scorev1.TaintNodeUnreachable, noExecute, time.Minute)),
			[]string{"unreachable:NoExecute"},
		},
		{"a node that is not ready", node("a", notReady), []string{"not-ready:NoSchedule"}},
		{"a silent node", node("a", isUnknown), []string{"unreachable:NoSchedule"}},
		{
			"pressure and cordoning are taints",
			node("a", isReady, says(k8scorev1.NodeMemoryPressure, k8scorev1.ConditionTrue), says(k8scorev1.NodeDiskPressure, k8scorev1.ConditionFalse),
				says(k8scorev1.NodeNetworkUnavailable, k8scorev1.ConditionTrue), func(n *corev1.Node) { n.Spec.Unschedulable = true }),
			[]string{"memory-pressure:NoSchedule", "network-unavailable:NoSchedule", "unschedulable:NoSchedule"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &controller{Options{GracePeriod: time.Minute, StartupGracePeriod: time.Minute}}
			wanted := test.node
			for _, step := range c.Plan(test.node, world{heartbeat: noon}, noon).Steps() {
				if patch, ok := step.(*plan.Patch); ok {
					wanted = patch.Wanted().(*corev1.Node)
				}
			}
			if got := taintsOf(wanted); !slices.Equal(got, test.want) {
				t.Errorf("the taints are %v, want %v", got, test.want)
			}
		})
	}
}

func TestASilentNode(t *testing.T) {
	c := &controller{Options{GracePeriod: 50 * time.Second, StartupGracePeriod: time.Minute}}
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
		Status: k8scorev1.PodStatus{Conditions: []k8scorev1.PodCondition{
			{Type: k8scorev1.PodReady, Status: k8scorev1.ConditionTrue, LastTransitionTime: ago(time.Hour)},
		}},
	}
	a := node("a", isReady, says(k8scorev1.NodeMemoryPressure, k8scorev1.ConditionUnknown))
	p := c.Plan(a, world{heartbeat: ago(time.Minute).Time, silent: true, pods: []corev1.Pod{pod}}, noon)

	var is *corev1.Node
	var podIs *corev1.Pod
	for _, step := range p.Steps() {
		if status, ok := step.(*plan.Status); ok {
			switch wanted := status.Wanted().(type) {
			case *corev1.Node:
				is = wanted
			case *corev1.Pod:
				podIs = wanted
			}
		}
	}
	want := map[k8scorev1.NodeConditionType]string{
		k8scorev1.NodeReady:          "NodeStatusUnknown: Kubelet stopped posting node status. since " + noon.String(),
		k8scorev1.NodeMemoryPressure: "Posted:  since " + ago(10*time.Minute).String(),
		k8scorev1.NodeDiskPressure:   "NodeStatusNeverUpdated: Kubelet never posted node status. since " + noon.String(),
		k8scorev1.NodePIDPressure:    "NodeStatusNeverUpdated: Kubelet never posted node status. since " + noon.String(),
	}
	if len(is.Status.Conditions) != len(want) {
		t.Errorf("the conditions are %v", is.Status.Conditions)
	}
	for _, condition := range is.Status.Conditions {
		got := fmt.Sprintf("%s: %s since %s", condition.Reason, condition.Message, condition.LastTransitionTime)
		if condition.Status != k8scorev1.ConditionUnknown || got != want[condition.Type] {
			t.Errorf("%s is %s, %q, want Unknown, %q", condition.Type, condition.Status, got, want[condition.Type])
		}
	}
	if condition := podIs.Status.Conditions[0]; condition.Status != k8scorev1.ConditionFalse || !condition.LastTransitionTime.Time.Equal(noon) {
		t.Errorf("its pod has the condition %v", condition)
	}
	for _, event := range []string{"event Normal NodeNotReady for Node a", "event Warning NodeNotReady for Pod default/web"} {
		if !strings.Contains(p.String(), event) {
			t.Errorf("the plan lacks %s:\n%s", event, p)
		}
	}
}

func TestANodeIsLookedAtWhenItsHeartbeatIsDue(t *testing.T) {
	c := &controller{Options{GracePeriod: 50 * time.Second, StartupGracePeriod: time.Minute}}
	for _, test := range []struct {
		name string
		node *corev1.Node
		want time.Duration
	}{
		{"a node that has posted", node("a", isReady), 40 * time.Second},
		{"a node that never has", node("a"), 50 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := c.Plan(test.node, world{heartbeat: ago(10 * time.Second).Time}, noon)
			if !p.Empty() || p.Again() == nil || p.Again().After != test.want {
				t.Errorf("the plan is %s, want to look again after %s", p, test.want)
			}
		})
	}
}
