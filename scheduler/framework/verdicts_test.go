package framework_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	fwk "k8s.io/kube-scheduler/framework"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

func namesOf(number int) framework.Names {
	names := framework.Names{Number: map[string]int{}}
	for i := range number {
		names.ByNumber = append(names.ByNumber, fmt.Sprintf("node-%d", i))
		names.Number[names.ByNumber[i]] = i
	}
	return names
}

func texts(statuses *framework.NodeStatuses) (byNode map[string]string, byReason map[string]int) {
	byNode, byReason = map[string]string{}, map[string]int{}
	statuses.Each(func(node string, status *fwk.Status) { byNode[node] = status.Message() })
	statuses.Kinds(func(status *fwk.Status, nodes int) { byReason[status.Message()] += nodes })
	return byNode, byReason
}

// TestVerdictsAreKeptAsTheyWere refuses nodes at random, and holds that verdicts and each frozen copy of them say what
// was said when they were made. There are more reasons than can be told apart without a map.
func TestVerdictsAreKeptAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const nodes = 6
		verdicts, now := framework.NewVerdicts(namesOf(nodes)), map[string]string{}
		type copied struct {
			*framework.NodeStatuses
			want map[string]string
		}
		var copies []copied
		t.Repeat(map[string]func(*rapid.T){
			"refuse": func(t *rapid.T) {
				node, reason := rapid.IntRange(0, nodes-1).Draw(t, "node"), fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "reason"))
				position := rapid.IntRange(0, 1).Draw(t, "position")
				verdicts.Refuse(node, fwk.NewStatus(fwk.Unschedulable, reason).WithPlugin("P"+reason), position)
				if _, got := verdicts.Refused(node); got != position {
					t.Fatalf("the plugin that refused is at %d, want %d", got, position)
				}
				now[fmt.Sprintf("node-%d", node)] = reason
			},
			"clear": func(t *rapid.T) {
				node := rapid.IntRange(0, nodes-1).Draw(t, "node")
				verdicts.Clear(node)
				delete(now, fmt.Sprintf("node-%d", node))
			},
			"freeze": func(*rapid.T) {
				statuses, want := framework.NewNodeStatuses(), map[string]string{}
				for node, reason := range now {
					want[node] = reason
				}
				statuses.SetVerdicts(verdicts.Freeze())
				copies = append(copies, copied{statuses, want})
			},
			"": func(t *rapid.T) {
				for _, c := range copies {
					byNode, byReason := texts(c.NodeStatuses)
					counts := map[string]int{}
					for _, reason := range c.want {
						counts[reason]++
					}
					if diff := cmp.Diff(c.want, byNode) + cmp.Diff(counts, byReason); diff != "" {
						t.Fatalf("a frozen copy (-want +got):\n%s", diff)
					}
					if c.Len() != len(c.want) {
						t.Fatalf("%d nodes are refused, want %d", c.Len(), len(c.want))
					}
				}
			},
		})
	})
}

func TestAStatusOfItsOwnReplacesAVerdict(t *testing.T) {
	verdicts, statuses := framework.NewVerdicts(namesOf(2)), framework.NewNodeStatuses()
	statuses.Set("node-0", fwk.NewStatus(fwk.Unschedulable, "tried first"))
	verdicts.Refuse(0, fwk.NewStatus(fwk.Unschedulable, "full"), 0)
	verdicts.Refuse(1, fwk.NewStatus(fwk.Unschedulable, "full"), 0)
	statuses.SetVerdicts(verdicts)
	statuses.Set("node-1", fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "no victims"))
	byNode, byReason := texts(statuses)
	if diff := cmp.Diff(map[string]string{"node-0": "full", "node-1": "no victims"}, byNode); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"full": 1, "no victims": 1}, byReason); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if got := statuses.Get("node-1").Message(); got != "no victims" {
		t.Errorf("node-1 is refused because of %q", got)
	}
}
