package nodeipam

import (
	"net/netip"
	"strings"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
)

func withRange(cidrs ...string) func(*ocorev1.Node) {
	return func(node *ocorev1.Node) { node.Spec.PodCIDR, node.Spec.PodCIDRs = cidrs[0], cidrs }
}

func leaving(node *ocorev1.Node) {
	now := gen.Ago(0)
	node.DeletionTimestamp = &now
}

func TestPlan(t *testing.T) {
	ipv4, dual := prefixes("10.0.0.0/22"), prefixes("10.0.0.0/22", "fd00::/63")
	for _, test := range []struct {
		name    string
		cluster []netip.Prefix
		nodes   []*ocorev1.Node
		want    string
	}{
		{
			"gives each node the first range that is free",
			ipv4, []*ocorev1.Node{gen.Node("a"), gen.Node("b", withRange("10.0.0.0/24")), gen.Node("c")},
			`patch Node a {"spec":{"podCIDR":"10.0.1.0/24","podCIDRs":["10.0.1.0/24"]}}: the first free ranges, for 1 of 3 nodes have theirs
patch Node c {"spec":{"podCIDR":"10.0.3.0/24","podCIDRs":["10.0.3.0/24"]}}: the first free ranges, for 1 of 3 nodes have theirs`,
		},
		{
			"gives one of each family",
			dual, []*ocorev1.Node{gen.Node("a")},
			`patch Node a {"spec":{"podCIDR":"10.0.0.0/24","podCIDRs":["10.0.0.0/24","fd00::/64"]}}: the first free ranges, for 0 of 1 nodes have theirs`,
		},
		{
			"leaves what a node has, even where it lies elsewhere",
			ipv4, []*ocorev1.Node{gen.Node("a", withRange("192.168.0.0/24"))},
			"nothing to do",
		},
		{
			"keeps the range of a node that is about to go, and gives such a one none",
			ipv4, []*ocorev1.Node{gen.Node("a", withRange("10.0.0.0/24"), leaving), gen.Node("b", leaving)},
			"nothing to do",
		},
		{"gives none where the cluster has none", nil, []*ocorev1.Node{gen.Node("a")}, "nothing to do"},
		{
			"says that a node gets none when all are taken",
			prefixes("10.0.0.0/24"), []*ocorev1.Node{gen.Node("a"), gen.Node("b", withRange("10.0.0.0/24"))},
			"nothing to do\nlook again in 1m0s: 10.0.0.0/24 may have a free range for node a then: 1 of 2 nodes have theirs\nsays event Normal CIDRNotAvailable for Node a",
		},
		{
			"gives no half of a pair",
			dual, []*ocorev1.Node{gen.Node("a"), gen.Node("b", withRange("10.0.0.0/24", "fd00::/63"))},
			"nothing to do\nlook again in 1m0s: fd00::/63 may have a free range for node a then: 1 of 2 nodes have theirs\nsays event Normal CIDRNotAvailable for Node a",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var w world
			for _, node := range test.nodes {
				w.nodes = append(w.nodes, *node)
			}
			c := Controller{Options{ClusterCIDRs: test.cluster, ServiceCIDRs: prefixes("10.0.2.0/24")}.withDefaults()}
			if got := told(c.Plan(loop.All, w, gen.Now)); got != test.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// told is a plan with what it says and does not do, and with a line for each node.
func told(p *plan.Plan) string {
	if p.Empty() {
		lines := []string{p.String()}
		for _, step := range p.All() {
			lines = append(lines, "says "+step.String())
		}
		return strings.Join(lines, "\n")
	}
	var lines []string
	for _, step := range p.Steps() {
		for _, patch := range step.(*plan.Patches).Each() {
			lines = append(lines, patch.String()+": "+patch.Why())
		}
	}
	return strings.Join(lines, "\n")
}

func TestHowMuchANodeGets(t *testing.T) {
	c := Controller{Options{ClusterCIDRs: prefixes("fd00::/56", "10.0.0.0/16"), NodeCIDRMaskSizeIPv4: 26, NodeCIDRMaskSizeIPv6: 80}}
	const want = `patch Node a {"spec":{"podCIDR":"fd00::/80","podCIDRs":["fd00::/80","10.0.0.0/26"]}}: the first free ranges, for 0 of 1 nodes have theirs`
	if got := told(c.Plan(loop.All, world{[]ocorev1.Node{*gen.Node("a")}}, gen.Now)); got != want {
		t.Errorf("the plan is\n%s\nwant\n%s", got, want)
	}
}

func TestNoNodeGetsRangesOfServicesOfEitherFamily(t *testing.T) {
	c := Controller{Options{
		ClusterCIDRs: prefixes("10.0.0.0/16", "fd00::/56"), ServiceCIDRs: prefixes("10.0.0.0/23", "fd00::/108"),
	}.withDefaults()}
	const want = `patch Node a {"spec":{"podCIDR":"10.0.2.0/24","podCIDRs":["10.0.2.0/24","fd00:0:0:1::/64"]}}: the first free ranges, for 0 of 1 nodes have theirs`
	if got := told(c.Plan(loop.All, world{[]ocorev1.Node{*gen.Node("a")}}, gen.Now)); got != want {
		t.Errorf("the plan is\n%s\nwant\n%s", got, want)
	}
}

func TestANodeThatCannotBeWrittenIsToldOf(t *testing.T) {
	event := notAssigned(gen.Node("a"), nil)
	if event.Reason != "CIDRAssignmentFailed" || event.Message != "Node a status is now: CIDRAssignmentFailed" {
		t.Errorf("the event is %s: %s", event.Reason, event.Message)
	}
}
