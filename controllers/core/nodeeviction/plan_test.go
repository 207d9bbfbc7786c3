package nodeeviction

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

func TestWhoGetsTheTaint(t *testing.T) {
	const noExecute = corev1.TaintEffectNoExecute
	unreachable := gen.Tainted(corev1.TaintNodeUnreachable, noExecute, time.Minute)
	for _, test := range []struct {
		name  string
		node  *ocorev1.Node
		nodes []ocorev1.Node
		want  []string
	}{
		{"a ready node does not get it", gen.Node("a", gen.NodeReady), others(1, 0), nil},
		{"a node that never posted does not get it", gen.Node("a"), others(1, 0), nil},
		{"a node that is ready again loses it", gen.Node("a", gen.NodeReady, unreachable), others(1, 0), nil},
		{"taints of others stay", gen.Node("a", gen.NodeReady, gen.Tainted("example.com/mine", noExecute, time.Minute)), nil, []string{"example.com/mine:NoExecute"}},
		{"a node that is not ready gets it", gen.Node("a", gen.NodeNotReady), others(3, 0), []string{"not-ready:NoExecute"}},
		{"a silent node gets the other one", gen.Node("a", gen.NodeUnknown), others(3, 0), []string{"unreachable:NoExecute"}},
		{
			"a node that falls silent meanwhile changes it",
			gen.Node("a", gen.NodeUnknown, gen.Tainted(corev1.TaintNodeNotReady, noExecute, time.Minute)), others(3, 0), []string{"unreachable:NoExecute"},
		},
		{"none gets it when no node is ready", gen.Node("a", gen.NodeUnknown), others(0, 3), nil},
		{"and those that have it lose it", gen.Node("a", gen.NodeUnknown, unreachable), others(0, 3), nil},
		{
			"the one that has been silent for longer is first",
			gen.Node("a", gen.NodeSaysFor(time.Second, corev1.NodeReady, corev1.ConditionUnknown)), others(5, 1), nil,
		},
		{"none gets it in a small zone in partial disruption", gen.Node("a", gen.NodeUnknown), others(2, 2), nil},
		{"one does in a large zone", gen.Node("a", gen.NodeUnknown), others(20, 40), []string{"unreachable:NoExecute"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			wanted := test.node
			w := world{nodes: append(test.nodes, *test.node)}
			for _, step := range (Controller{}).Plan(loop.All, w, gen.Now).Steps() {
				for _, patch := range step.(*plan.Patches).Each() {
					if node := patch.Wanted().(*ocorev1.Node); node.Name == test.node.Name {
						wanted = node
					}
				}
			}
			if got := gen.TaintsOf(wanted); !slices.Equal(got, test.want) {
				t.Errorf("the taints are %v, want %v", got, test.want)
			}
		})
	}
}

func TestWhenANodeGetsTheTaint(t *testing.T) {
	before := func(age time.Duration) time.Time { return gen.Now.Add(-age) }
	for _, test := range []struct {
		name   string
		others []ocorev1.Node
		given  time.Time // to another node of the zone; zero for none
		began  time.Time // the process
		want   time.Duration
	}{
		{"at once when none has got it yet", others(3, 0), time.Time{}, before(time.Hour), 0},
		{"10 s after another of its zone", others(3, 0), before(4 * time.Second), before(time.Hour), 6 * time.Second},
		{"once these have passed", others(3, 0), before(10 * time.Second), before(time.Hour), 0},
		{"10 s after the process began, which knows of none before", others(3, 0), time.Time{}, before(time.Second), 9 * time.Second},
		{"100 s after another of a large zone that is in part disrupted", others(20, 40), before(99 * time.Second), before(time.Hour), time.Second},
		{"once these have passed, too", others(20, 40), before(100 * time.Second), before(time.Hour), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := world{
				nodes:   append(test.others, *gen.Node("a", gen.NodeSaysFor(time.Hour, corev1.NodeReady, corev1.ConditionUnknown))),
				watched: test.began,
			}
			if !test.given.IsZero() {
				w.given = map[string]time.Time{"": test.given}
			}
			p := Controller{}.Plan(loop.All, w, gen.Now)
			if gets := len(p.Steps()) > 0; gets != (test.want == 0) || !gets && p.Again().After != test.want {
				t.Errorf("the plan is\n%s\nwant it to get the taint in %s", p, test.want)
			}
		})
	}
}

func TestTheStateOfAZone(t *testing.T) {
	for _, test := range []struct {
		name           string
		ready, unready int
		want           state
	}{
		{"all are ready", 3, 0, normal},
		{"two of three are not ready", 1, 2, normal},
		{"three of four are not", 1, 3, partialDisruption},
		{"54 of 100 are not", 46, 54, normal},
		{"55 of 100 are not", 45, 55, partialDisruption},
		{"none is", 0, 3, fullDisruption},
		{"the only one is not", 0, 1, fullDisruption},
	} {
		t.Run(test.name, func(t *testing.T) {
			zones := zonesOf(others(test.ready, test.unready))
			if got := zones[0].state(); len(zones) != 1 || got != test.want {
				t.Errorf("of %d zones the first is %s, want %s", len(zones), got, test.want)
			}
		})
	}
}

func TestNodesThatAreExcludedDoNotCount(t *testing.T) {
	nodes := others(2, 3)
	for i := range nodes {
		nodes[i].Labels = map[string]string{excludeDisruptionLabel: ""}
	}
	if z := zonesOf(nodes)[0]; z.total != 0 || z.unready != 0 || z.next == nil {
		t.Errorf("of the zone count %d, %d of them unready, and the next one is %v", z.total, z.unready, z.next)
	}
}

func TestAPlanSaysOfEachNodeWhy(t *testing.T) {
	const noExecute = corev1.TaintEffectNoExecute
	unreachable := gen.Tainted(corev1.TaintNodeUnreachable, noExecute, time.Minute)
	w := world{nodes: append(others(3, 0), *gen.Node("back", gen.NodeReady, unreachable), *gen.Node("lost", gen.NodeUnknown))}
	got := Controller{}.Plan(loop.All, w, gen.Now).String()
	want := `patch 2 Nodes (back, lost), each in its own way: back is ready; 1 of 5 nodes of the zone of lost are not ready, and it has been so for the longest
look again in 10s: the next node of the zone may be evicted then`
	if got != want {
		t.Errorf("the plan is\n%s\nwant\n%s", got, want)
	}
}
