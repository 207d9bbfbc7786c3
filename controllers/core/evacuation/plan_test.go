package evacuation

import (
	"fmt"
	"slices"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

// others are nodes of which so many are ready and so many unknown, for so long.
func others(ready, unknown int) []ocorev1.Node {
	var nodes []ocorev1.Node
	for i := range ready {
		nodes = append(nodes, *gen.Node(fmt.Sprintf("ready-%d", i), gen.NodeReady))
	}
	for i := range unknown {
		nodes = append(nodes, *gen.Node(fmt.Sprintf("unknown-%d", i), gen.NodeSaysFor(time.Minute, corev1.NodeReady, corev1.ConditionUnknown)))
	}
	return nodes
}

func TestWhoIsEmptied(t *testing.T) {
	const noExecute = corev1.TaintEffectNoExecute
	emptied := func(before time.Duration) ocorev1.Node {
		return *gen.Node("emptied", gen.NodeUnknown, gen.Tainted(corev1.TaintNodeUnreachable, noExecute, before))
	}
	unreachable := gen.Tainted(corev1.TaintNodeUnreachable, noExecute, time.Minute)
	for _, test := range []struct {
		name  string
		node  *ocorev1.Node
		nodes []ocorev1.Node
		want  []string
	}{
		{"a ready node is not", gen.Node("a", gen.NodeReady), others(1, 0), nil},
		{"a node that never posted is not", gen.Node("a"), others(1, 0), nil},
		{"a node that is ready again is no more", gen.Node("a", gen.NodeReady, unreachable), others(1, 0), nil},
		{"taints of others stay", gen.Node("a", gen.NodeReady, gen.Tainted("example.com/mine", noExecute, time.Minute)), nil, []string{"example.com/mine:NoExecute"}},
		{"a node that is not ready is", gen.Node("a", gen.NodeNotReady), others(3, 0), []string{"not-ready:NoExecute"}},
		{"a silent node is", gen.Node("a", gen.NodeUnknown), others(3, 0), []string{"unreachable:NoExecute"}},
		{
			"a node that falls silent meanwhile stays so",
			gen.Node("a", gen.NodeUnknown, gen.Tainted(corev1.TaintNodeNotReady, noExecute, time.Minute)), others(3, 0), []string{"unreachable:NoExecute"},
		},
		{"nobody is when no node is ready", gen.Node("a", gen.NodeUnknown), others(0, 3), nil},
		{"and those that were, are no more", gen.Node("a", gen.NodeUnknown, unreachable), others(0, 3), nil},
		{"nobody is right after another of its zone", gen.Node("a", gen.NodeUnknown), append(others(5, 0), emptied(9*time.Second)), nil},
		{"the next is after 10 s", gen.Node("a", gen.NodeUnknown), append(others(5, 0), emptied(10*time.Second)), []string{"unreachable:NoExecute"}},
		{
			"the one that has been silent for longer is first",
			gen.Node("a", gen.NodeSaysFor(time.Second, corev1.NodeReady, corev1.ConditionUnknown)), others(5, 1), nil,
		},
		{"nobody is in a small zone of which most are silent", gen.Node("a", gen.NodeUnknown), others(2, 2), nil},
		{"one is in a large zone", gen.Node("a", gen.NodeUnknown), others(20, 40), []string{"unreachable:NoExecute"}},
		{"the next there is not after 99 s", gen.Node("a", gen.NodeUnknown), append(others(20, 40), emptied(99*time.Second)), nil},
		{"but after 100 s", gen.Node("a", gen.NodeUnknown), append(others(20, 40), emptied(100*time.Second)), []string{"unreachable:NoExecute"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			wanted := test.node
			w := world{nodes: append(test.nodes, *test.node)}
			for _, step := range (controller{}).Plan(loop.All, w, gen.Now).Steps() {
				if node := step.(*plan.Patch).Wanted().(*ocorev1.Node); node.Name == test.node.Name {
					wanted = node
				}
			}
			if got := gen.TaintsOf(wanted); !slices.Equal(got, test.want) {
				t.Errorf("the taints are %v, want %v", got, test.want)
			}
		})
	}
}
