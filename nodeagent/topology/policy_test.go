package topology

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	upstream "k8s.io/kubernetes/pkg/kubelet/cm/topologymanager"
	"k8s.io/kubernetes/pkg/kubelet/cm/topologymanager/bitmask"
	"pgregory.net/rapid"
)

func machine(nodes int) *Machine {
	m := &Machine{}
	for id := range nodes {
		node := Node{ID: id}
		for to := range nodes {
			node.Distances = append(node.Distances, uint64(10+10*max(id-to, to-id)))
		}
		m.Nodes = append(m.Nodes, node)
	}
	return m
}

// said are hints written as "01+ 1 *+": the nodes, or * where it makes no difference, and + for a preferred one.
func said(text string) []Hint {
	list := []Hint{}
	for word := range strings.FieldsSeq(text) {
		nodes, preferred := strings.CutSuffix(word, "+")
		h := Hint{Preferred: preferred}
		for _, node := range strings.Trim(nodes, "*") {
			h.Nodes |= NodesOf(int(node - '0'))
		}
		list = append(list, h)
	}
	return list
}

func TestToWhichNodesAContainerIsBound(t *testing.T) {
	for _, test := range []struct {
		name      string
		providers []Hints
		// best and whether it is preferred, and which policies let the container run.
		want string
	}{
		{"what all prefer", []Hints{{"cpu": said("0+ 1+ 01")}, {"gpu": said("1+ 01")}}, "[1] true: best-effort restricted single-numa-node"},
		{"the lower node, if all have several", []Hints{{"cpu": said("0+ 1+")}, {"gpu": said("0+ 1+")}}, "[0] true: best-effort restricted single-numa-node"},
		{"anything, if nobody cares", []Hints{nil, {"cpu": nil}}, "[0 1] true: best-effort restricted single-numa-node"},
		{"what is left, where they do not agree", []Hints{{"cpu": said("0+ 01")}, {"gpu": said("1+ 01")}}, "[0] false: best-effort"},
		{"what cannot be had anywhere is refused", []Hints{{"cpu": said("")}}, "[0 1] false: best-effort"},
		{"several nodes, if no single one has enough", []Hints{{"cpu": said("01+")}}, "[0 1] true: best-effort restricted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			var admitted []string
			for _, name := range []string{BestEffort, Restricted, SingleNUMANode} {
				best, admit := Policy{Name: name, Machine: machine(2)}.Merge(test.providers)
				if name == BestEffort {
					got = fmt.Sprintf("%v %v", best.Nodes.IDs(), best.Preferred)
				}
				if admit {
					admitted = append(admitted, name)
				}
			}
			if got += ": " + strings.Join(admitted, " "); got != test.want {
				t.Errorf("it is bound to %s, want %s", got, test.want)
			}
		})
	}
}

// TestTheKubeletBindsToTheSameNodes compares with upstream on random hints.
func TestTheKubeletBindsToTheSameNodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := machine(rapid.IntRange(1, 4).Draw(t, "nodes"))
		p := Policy{
			Name: rapid.SampledFrom([]string{BestEffort, Restricted, SingleNUMANode}).Draw(t, "policy"), Machine: m, PreferClosest: rapid.Bool().Draw(t, "closest"),
		}
		var ours []Hints
		var theirs []map[string][]upstream.TopologyHint
		for range rapid.IntRange(1, 3).Draw(t, "providers") {
			hints, same := anyHints(t, m)
			ours, theirs = append(ours, hints), append(theirs, same)
		}
		best, admit := p.Merge(ours)
		want, wantAdmit := upstreams(p).Merge(logr.Discard(), theirs)
		var nodes []int
		if want.NUMANodeAffinity != nil {
			nodes = want.NUMANodeAffinity.GetBits()
		}
		if admit != wantAdmit || best.Preferred != want.Preferred || !slices.Equal(best.Nodes.IDs(), nodes) {
			t.Errorf("with %v\nit is bound to %v, %v, %v, want %v, %v, %v", ours, best.Nodes.IDs(), best.Preferred, admit, nodes, want.Preferred, wantAdmit)
		}
	})
}

func anyHints(t *rapid.T, m *Machine) (Hints, map[string][]upstream.TopologyHint) {
	hints, same := Hints{}, map[string][]upstream.TopologyHint{}
	for i := range rapid.IntRange(0, 2).Draw(t, "resources") {
		resource := fmt.Sprint("resource-", i)
		if rapid.IntRange(0, 5).Draw(t, "makes no difference") == 0 {
			hints[resource], same[resource] = nil, nil
			continue
		}
		hints[resource], same[resource] = []Hint{}, []upstream.TopologyHint{}
		for set := range Subsets(m.NodeIDs()) {
			if rapid.IntRange(0, 2).Draw(t, "left out") == 0 {
				continue
			}
			preferred := rapid.Bool().Draw(t, "preferred")
			mask, err := bitmask.NewBitMask(set.IDs()...)
			if err != nil {
				t.Fatal(err)
			}
			hints[resource] = append(hints[resource], Hint{set, preferred})
			same[resource] = append(same[resource], upstream.TopologyHint{NUMANodeAffinity: mask, Preferred: preferred})
		}
	}
	return hints, same
}

func upstreams(p Policy) upstream.Policy {
	info := &upstream.NUMAInfo{Nodes: p.Machine.NodeIDs(), NUMADistances: upstream.NUMADistances{}}
	for i := range p.Machine.Nodes {
		info.NUMADistances[p.Machine.Nodes[i].ID] = p.Machine.Nodes[i].Distances
	}
	options := upstream.PolicyOptions{PreferClosestNUMA: p.PreferClosest, MaxAllowableNUMANodes: 8}
	switch p.Name {
	case BestEffort:
		return upstream.NewBestEffortPolicy(info, options)
	case Restricted:
		return upstream.NewRestrictedPolicy(info, options)
	default:
		return upstream.NewSingleNumaNodePolicy(info, options)
	}
}
