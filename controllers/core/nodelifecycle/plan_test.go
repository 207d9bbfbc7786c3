package nodelifecycle

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTaints(t *testing.T) {
	const noSchedule, noExecute = corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute
	for _, test := range []struct {
		name string
		node *ocorev1.Node
		want []string
	}{
		{"a ready node has none", gen.Node("a", gen.NodeReady), nil},
		{"a node that never posted has none", gen.Node("a"), nil},
		{"a ready node loses those it had", gen.Node("a", gen.NodeReady, gen.Tainted(corev1.TaintNodeUnreachable, noSchedule, time.Minute)), nil},
		{"taints of others stay", gen.Node("a", gen.NodeReady, gen.Tainted("example.com/mine", noSchedule, time.Minute)), []string{"example.com/mine:NoSchedule"}},
		{
			"those that make pods leave stay", gen.Node("a", gen.NodeReady, gen.Tainted(corev1.TaintNodeUnreachable, noExecute, time.Minute)),
			[]string{"unreachable:NoExecute"},
		},
		{"a node that is not ready", gen.Node("a", gen.NodeNotReady), []string{"not-ready:NoSchedule"}},
		{"a silent node", gen.Node("a", gen.NodeUnknown), []string{"unreachable:NoSchedule"}},
		{
			"pressure and cordoning are taints",
			gen.Node("a", gen.NodeReady, gen.NodeSays(corev1.NodeMemoryPressure, corev1.ConditionTrue), gen.NodeSays(corev1.NodeDiskPressure, corev1.ConditionFalse),
				gen.NodeSays(corev1.NodeNetworkUnavailable, corev1.ConditionTrue), func(n *ocorev1.Node) { n.Spec.Unschedulable = true }),
			[]string{"memory-pressure:NoSchedule", "network-unavailable:NoSchedule", "unschedulable:NoSchedule"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := Controller{Options{MonitorGracePeriod: time.Minute, StartupGracePeriod: time.Minute}}
			wanted := test.node
			for _, step := range c.Plan(test.node, world{heartbeat: gen.Now}, gen.Now).Steps() {
				if patch, ok := step.(*plan.Patch); ok {
					wanted = patch.Wanted().(*ocorev1.Node)
				}
			}
			if got := gen.TaintsOf(wanted); !slices.Equal(got, test.want) {
				t.Errorf("the taints are %v, want %v", got, test.want)
			}
		})
	}
}

func TestANodeIsToldToBeLookedAfter(t *testing.T) {
	for _, test := range []struct {
		name string
		node *ocorev1.Node
		want []string
	}{
		{"a node that is there", gen.Node("a", gen.NodeReady), []string{"event Normal RegisteredNode for Node a: Node a event: Registered Node a in Controller"}},
		{"a node that is going", gen.Node("a", func(n *ocorev1.Node) { n.DeletionTimestamp = &metav1.Time{Time: gen.Now} }), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var said []string
			for _, step := range (Controller{}).Plan(test.node, world{heartbeat: gen.Now}, gen.Now).All() {
				said = append(said, step.String()+": "+step.Why())
			}
			if !slices.Equal(said, test.want) {
				t.Errorf("it says %q, want %q", said, test.want)
			}
		})
	}
}

func TestASilentNode(t *testing.T) {
	c := Controller{Options{MonitorGracePeriod: 50 * time.Second, StartupGracePeriod: time.Minute}}
	pod := ocorev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
		Status: corev1.PodStatus{Conditions: []corev1.PodCondition{
			{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: gen.Ago(time.Hour)},
		}},
	}
	a := gen.Node("a", gen.NodeReady, gen.NodeSays(corev1.NodeMemoryPressure, corev1.ConditionUnknown))
	p := c.Plan(a, world{heartbeat: gen.Ago(time.Minute).Time, silent: true, pods: []ocorev1.Pod{pod}}, gen.Now)

	var is *ocorev1.Node
	var podIs *ocorev1.Pod
	for _, step := range p.Steps() {
		if status, ok := step.(*plan.Status); ok {
			switch wanted := status.Wanted().(type) {
			case *ocorev1.Node:
				is = wanted
			case *ocorev1.Pod:
				podIs = wanted
			}
		}
	}
	want := map[corev1.NodeConditionType]string{
		corev1.NodeReady:          "NodeStatusUnknown: Kubelet stopped posting node status. since " + gen.Now.String(),
		corev1.NodeMemoryPressure: "Posted:  since " + gen.Ago(10*time.Minute).String(),
		corev1.NodeDiskPressure:   "NodeStatusNeverUpdated: Kubelet never posted node status. since " + gen.Now.String(),
		corev1.NodePIDPressure:    "NodeStatusNeverUpdated: Kubelet never posted node status. since " + gen.Now.String(),
	}
	if len(is.Status.Conditions) != len(want) {
		t.Errorf("the conditions are %v", is.Status.Conditions)
	}
	for _, condition := range is.Status.Conditions {
		got := fmt.Sprintf("%s: %s since %s", condition.Reason, condition.Message, condition.LastTransitionTime)
		if condition.Status != corev1.ConditionUnknown || got != want[condition.Type] {
			t.Errorf("%s is %s, %q, want Unknown, %q", condition.Type, condition.Status, got, want[condition.Type])
		}
	}
	if condition := podIs.Status.Conditions[0]; condition.Status != corev1.ConditionFalse || !condition.LastTransitionTime.Time.Equal(gen.Now) {
		t.Errorf("its pod has the condition %v", condition)
	}
	for _, event := range []string{"event Normal NodeNotReady for Node a", "event Warning NodeNotReady for Pod default/web"} {
		if !strings.Contains(p.String(), event) {
			t.Errorf("the plan lacks %s:\n%s", event, p)
		}
	}
}

func TestANodeIsLookedAtWhenItsHeartbeatIsDue(t *testing.T) {
	c := Controller{Options{MonitorGracePeriod: 50 * time.Second, StartupGracePeriod: time.Minute}}
	for _, test := range []struct {
		name string
		node *ocorev1.Node
		want time.Duration
	}{
		{"a node that has posted", gen.Node("a", gen.NodeReady), 40 * time.Second},
		{"a node that never has", gen.Node("a"), 50 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := c.Plan(test.node, world{heartbeat: gen.Ago(10 * time.Second).Time}, gen.Now)
			if !p.Empty() || p.Again() == nil || p.Again().After != test.want {
				t.Errorf("the plan is %s, want to look again after %s", p, test.want)
			}
		})
	}
}
