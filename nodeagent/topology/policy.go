package topology

import (
	"maps"
	"slices"
)

// Hint is a set of nodes to which something could be bound. The empty set says that it makes no difference.
type Hint struct {
	Nodes     Nodes
	Preferred bool
}

// Hints are those of one who gives something, by resource: nil for a resource says that it makes no difference where it is, and no hint
// at all that it can be had nowhere.
type Hints map[string][]Hint

// The policies, by the kubelet's names.
const (
	None           = "none"
	BestEffort     = "best-effort"
	Restricted     = "restricted"
	SingleNUMANode = "single-numa-node"
)

// Policy says to which nodes containers are bound.
type Policy struct {
	// Name is one of the policies; with None nobody is asked for hints.
	Name string
	// PreferClosest: of sets of as many nodes the one is better whose nodes are nearer to each other.
	PreferClosest bool
	// Machine is the one of the nodes.
	Machine *Machine
}

// Merge makes one hint of those of all who give something to a container, and says whether the container may run with that.
func (p Policy) Merge(providers []Hints) (best Hint, admit bool) {
	if p.Name == None {
		return Hint{Preferred: true}, true
	}
	all := flatten(providers)
	if p.Name == SingleNUMANode {
		for i := range all {
			all[i] = slices.DeleteFunc(slices.Clone(all[i]), func(h Hint) bool { return !h.Preferred || h.Nodes.Count() > 1 })
		}
	}
	best = p.best(all)
	if p.Name == SingleNUMANode && best.Nodes == p.everything() {
		best.Nodes = 0
	}
	return best, p.Name == BestEffort || best.Preferred
}

// flatten are lists of hints, one for each resource, of which one of each has to be chosen.
func flatten(providers []Hints) (all [][]Hint) {
	for _, hints := range providers {
		if len(hints) == 0 {
			all = append(all, []Hint{{Preferred: true}})
		}
		for _, resource := range slices.Sorted(maps.Keys(hints)) {
			switch list := hints[resource]; {
			case list == nil:
				all = append(all, []Hint{{Preferred: true}})
			case len(list) == 0:
				all = append(all, []Hint{{}})
			default:
				all = append(all, list)
			}
		}
	}
	return all
}

// everything is the set of all nodes.
func (p Policy) everything() Nodes { return NodesOf(p.Machine.NodeIDs()...) }

// best is the best of what comes of choosing one hint of each list: the nodes that are in all of them.
func (p Policy) best(all [][]Hint) Hint {
	best, found := Hint{Nodes: p.everything()}, false
	aim := widestNeed(all)
	var choose func(left [][]Hint, chosen Hint, first Nodes)
	choose = func(left [][]Hint, chosen Hint, first Nodes) {
		if len(left) == 0 {
			if chosen.Nodes != 0 && (!found || p.better(chosen, best, aim)) {
				best, found = chosen, true
			}
			return
		}
		for _, h := range left[0] {
			next, of := chosen, first
			next.Preferred = next.Preferred && h.Preferred
			if h.Nodes != 0 {
				if of == 0 {
					of = h.Nodes
				}
				next.Preferred = next.Preferred && h.Nodes == of // all have to be bound to the same nodes
				next.Nodes &= h.Nodes
			}
			choose(left[1:], next, of)
		}
	}
	choose(all, Hint{p.everything(), true}, 0)
	return best
}

// widestNeed is how many nodes that resource needs at least which needs most of them.
func widestNeed(all [][]Hint) (most int) {
	for _, list := range all {
		least := 0
		for _, h := range list {
			if n := h.Nodes.Count(); n > 0 && (least == 0 || n < least) {
				least = n
			}
		}
		most = max(most, least)
	}
	return most
}

// better says whether a hint is better than the best one so far. Of those that are not preferred the ones are good that have as many nodes
// as are needed at least (aim), or else nearly as many; more are worse than fewer.
func (p Policy) better(h, than Hint, aim int) bool {
	if h.Preferred != than.Preferred {
		return h.Preferred
	}
	if h.Preferred {
		return p.fitter(h.Nodes, than.Nodes)
	}
	count, had := h.Nodes.Count(), than.Nodes.Count()
	switch {
	case had > aim:
		return p.fitter(h.Nodes, than.Nodes)
	case had == aim:
		return count == aim && p.fitter(h.Nodes, than.Nodes)
	case count > aim:
		return false
	case count != had:
		return count > had
	default:
		return p.fitter(h.Nodes, than.Nodes)
	}
}

// fitter says whether a set of nodes is to be preferred to another.
func (p Policy) fitter(a, b Nodes) bool {
	if p.PreferClosest && p.Name != SingleNUMANode && a.Count() == b.Count() {
		if near, far := p.distance(a), p.distance(b); near != far {
			return near < far
		}
	}
	return a.Narrower(b)
}

// distance is the mean of those between any two nodes of a set.
func (p Policy) distance(n Nodes) float64 {
	ids, sum := n.IDs(), uint64(0)
	for i := range p.Machine.Nodes {
		from := &p.Machine.Nodes[i]
		if !n.Has(from.ID) {
			continue
		}
		for _, to := range ids {
			if to < len(from.Distances) {
				sum += from.Distances[to]
			}
		}
	}
	return float64(sum) / float64(len(ids)*len(ids))
}
