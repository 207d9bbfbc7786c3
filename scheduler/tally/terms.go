package tally

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
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
	sums
	fwk.AffinityTerm
	kind Kind
	name string
	pods int // that have it, wherever they are
}

// holding is a pod with affinity, and its terms.
type holding struct {
	pod   fwk.PodInfo
	terms []held
}

type held struct {
	*term
	weight int64
	domain int32
}

// census is all distinct terms. It starts to count when it is first asked.
type census struct {
	version     int64
	generations []int64     // by slot
	holdings    [][]holding // by slot
	terms       map[string]*term
	// By kind: the terms that name a namespace, and those that select some by their labels.
	byNamespace [kinds]map[string][]*term
	selecting   [kinds][]*term
}

func newCensus() census {
	c := census{terms: map[string]*term{}}
	for kind := range c.byNamespace {
		c.byNamespace[kind] = map[string][]*term{}
	}
	return c
}

// catchUp looks at the pods of the nodes that changed. topologies finds or makes a topology, and drop says that it is
// not needed any more.
func (c *census) catchUp(r *roll, topologies func(Topology) *topology, drop func(*topology)) {
	for len(c.generations) < len(r.generations) {
		c.generations = append(c.generations, 0)
		c.holdings = append(c.holdings, nil)
	}
	unused := map[*term]bool{}
	r.stale(c.version, c.generations, func(slot int32) {
		c.generations[slot] = r.generations[slot]
		var pods []fwk.PodInfo
		if info := r.info(slot); info != nil {
			pods = info.GetPodsWithAffinity()
		}
		before := c.holdings[slot]
		if len(pods) == 0 && len(before) == 0 {
			return
		}
		c.holdings[slot] = c.recount(slot, before, pods, topologies)
		for _, holding := range before {
			for _, held := range holding.terms {
				if held.pods == 0 {
					unused[held.term] = true
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
func (c *census) recount(slot int32, before []holding, pods []fwk.PodInfo, topologies func(Topology) *topology) []holding {
	after := make([]holding, 0, len(pods))
	kept := make([]bool, len(before))
	for i, pod := range pods {
		at := i
		if at >= len(before) || before[at].pod != pod || kept[at] {
			at = slices.IndexFunc(before, func(h holding) bool { return h.pod == pod })
		}
		if at >= 0 && !kept[at] {
			kept[at] = true
			after = append(after, before[at].moved(slot))
			continue
		}
		after = append(after, c.hold(slot, pod, topologies))
	}
	for i, holding := range before {
		if !kept[i] {
			holding.release()
		}
	}
	return after
}

// moved puts a pod that is on its node still into the domains that the node is in now.
func (h holding) moved(slot int32) holding {
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

func (h holding) release() {
	for _, held := range h.terms {
		held.add(held.domain, -held.weight, -1)
		held.pods--
	}
}

func (c *census) hold(slot int32, pod fwk.PodInfo, topologies func(Topology) *topology) holding {
	h := holding{pod: pod}
	hold := func(kind Kind, affinity *fwk.AffinityTerm, weight int64) {
		term := c.term(kind, affinity, topologies)
		domain := term.topology.domains[slot]
		term.add(domain, weight, +1)
		term.pods++
		h.terms = append(h.terms, held{term, weight, domain})
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

// term finds a term, or adds it.
func (c *census) term(kind Kind, affinity *fwk.AffinityTerm, topologies func(Topology) *topology) *term {
	name := fmt.Sprintf("%d %s %s", kind, affinity.TopologyKey, TermName(affinity))
	if known, found := c.terms[name]; found {
		return known
	}
	added := &term{sums: sums{topology: topologies(Topology{Key: affinity.TopologyKey})}, AffinityTerm: *affinity, kind: kind, name: name}
	c.terms[name] = added
	if selects(affinity.NamespaceSelector) {
		c.selecting[kind] = append(c.selecting[kind], added)
		return added
	}
	for namespace := range affinity.Namespaces {
		c.byNamespace[kind][namespace] = append(c.byNamespace[kind][namespace], added)
	}
	return added
}

func (c *census) forget(gone *term) {
	delete(c.terms, gone.name)
	same := func(t *term) bool { return t == gone }
	if selects(gone.NamespaceSelector) {
		c.selecting[gone.kind] = slices.DeleteFunc(c.selecting[gone.kind], same)
		return
	}
	for namespace := range gone.Namespaces {
		left := slices.DeleteFunc(c.byNamespace[gone.kind][namespace], same)
		if c.byNamespace[gone.kind][namespace] = left; len(left) == 0 {
			delete(c.byNamespace[gone.kind], namespace)
		}
	}
}

// matching returns the counts of the terms of a kind that match a pod and count somewhere.
func (c *census) matching(kind Kind, pod *corev1.Pod, namespace labels.Set) []TermCount {
	var counts []TermCount
	add := func(t *term) {
		if t.populated > 0 && t.Matches(pod, namespace) {
			counts = append(counts, TermCount{Key: t.TopologyKey, Count: t.count()})
		}
	}
	for _, term := range c.byNamespace[kind][pod.Namespace] {
		add(term)
	}
	for _, term := range c.selecting[kind] {
		add(term)
	}
	return counts
}

// TermCount is how often, or with what weight, the pods in each domain of a topology key have a term.
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
