package topologycount

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// Kind is where in a pod's affinity a term stands.
type Kind int

// The kinds of terms. A term counts 1 for each pod that requires it, and its weight for each that prefers it.
const (
	RequiredAffinity Kind = iota
	RequiredAntiAffinity
	PreferredAffinity
	PreferredAntiAffinity
	kinds
)

// term is an affinity term that pods on nodes have.
type term struct {
	domainCounts
	fwk.AffinityTerm
	kind Kind
	name string
	pods int // that have it, wherever they are
}

// podTerms is a pod with affinity, and its terms.
type podTerms struct {
	pod   fwk.PodInfo
	terms []podTerm
}

type podTerm struct {
	*term
	weight int64
	domain int32
}

// existingTerms is all distinct terms. It starts to count when it is first asked.
type existingTerms struct {
	version     int64
	generations []int64      // by slot
	pods        [][]podTerms // by slot
	terms       map[string]*term
	// index has the terms by kind and by what a pod must have to be matched.
	index [kinds]map[termKey][]*term
}

func newExistingTerms() existingTerms {
	c := existingTerms{version: never, terms: map[string]*term{}}
	for kind := range c.index {
		c.index[kind] = map[termKey][]*term{}
	}
	return c
}

// update looks at the pods of the nodes that changed. topologies finds or makes a topology, and drop says that it is
// not needed any more.
func (c *existingTerms) update(r *nodeList, topologies func(Topology) *topology, drop func(*topology)) {
	for len(c.generations) < len(r.generations) {
		c.generations = append(c.generations, 0)
		c.pods = append(c.pods, nil)
	}
	unused := map[*term]bool{}
	r.stale(c.version, c.generations, func(slot int32) {
		c.generations[slot] = r.generations[slot]
		var pods []fwk.PodInfo
		if info := r.info(slot); info != nil {
			pods = info.GetPodsWithAffinity()
		}
		before := c.pods[slot]
		if len(pods) == 0 && len(before) == 0 {
			return
		}
		c.pods[slot] = c.recount(slot, before, pods, topologies)
		for _, pod := range before {
			for _, had := range pod.terms {
				if had.pods == 0 {
					unused[had.term] = true
				}
			}
		}
	})
	c.version = r.version
	for term := range unused {
		if term.pods == 0 {
			c.forget(term)
			drop(term.topology)
		}
	}
}

// recount replaces the pods of a slot. What did not change is left alone.
func (c *existingTerms) recount(slot int32, before []podTerms, pods []fwk.PodInfo, topologies func(Topology) *topology) []podTerms {
	after := make([]podTerms, 0, len(pods))
	kept := make([]bool, len(before))
	for i, pod := range pods {
		at := i
		if at >= len(before) || before[at].pod != pod || kept[at] {
			at = slices.IndexFunc(before, func(h podTerms) bool { return h.pod == pod })
		}
		if at >= 0 && !kept[at] {
			kept[at] = true
			after = append(after, before[at].moved(slot))
			continue
		}
		after = append(after, c.add(slot, pod, topologies))
	}
	for i, gone := range before {
		if !kept[i] {
			gone.release()
		}
	}
	return after
}

// moved puts a pod that is on its node still into the domains that the node is in now.
func (h podTerms) moved(slot int32) podTerms {
	for i := range h.terms {
		held := &h.terms[i]
		if domain := held.topology.domains[slot]; domain != held.domain {
			held.add(held.domain, -held.weight, -1)
			held.add(domain, held.weight, +1)
			held.domain = domain
		}
	}
	return h
}

func (h podTerms) release() {
	for _, held := range h.terms {
		held.add(held.domain, -held.weight, -1)
		held.pods--
	}
}

func (c *existingTerms) add(slot int32, pod fwk.PodInfo, topologies func(Topology) *topology) podTerms {
	h := podTerms{pod: pod}
	hold := func(kind Kind, affinity *fwk.AffinityTerm, weight int64) {
		term := c.term(kind, affinity, topologies)
		domain := term.topology.domains[slot]
		term.add(domain, weight, +1)
		term.pods++
		h.terms = append(h.terms, podTerm{term, weight, domain})
	}
	for _, required := range pod.GetRequiredAffinityTerms() {
		hold(RequiredAffinity, &required, 1)
	}
	for _, required := range pod.GetRequiredAntiAffinityTerms() {
		hold(RequiredAntiAffinity, &required, 1)
	}
	for _, preferred := range pod.GetPreferredAffinityTerms() {
		hold(PreferredAffinity, &preferred.AffinityTerm, int64(preferred.Weight))
	}
	for _, preferred := range pod.GetPreferredAntiAffinityTerms() {
		hold(PreferredAntiAffinity, &preferred.AffinityTerm, int64(preferred.Weight))
	}
	return h
}

// TermCount is how often, or with what weight, the pods in each domain of a topology key have one of some terms.
type TermCount struct {
	Key string
	*Count
}

// TermName returns what tells a term from others, apart from its topology key: the namespaces and pods that it is about.
func TermName(affinity *fwk.AffinityTerm) string {
	return fmt.Sprintf("[%s] [%s] [%s]", strings.Join(sets.List(affinity.Namespaces), " "),
		SelectorName(affinity.NamespaceSelector), SelectorName(affinity.Selector))
}

// SelectorName returns what tells a selector from others.
func SelectorName(selector labels.Selector) string {
	if !selects(selector) {
		return "nothing"
	}
	return "{" + selector.String() + "}"
}

// selects reports whether a selector can match anything.
func selects(selector labels.Selector) bool {
	_, can := selector.Requirements()
	return can
}
