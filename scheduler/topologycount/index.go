package topologycount

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	fwk "k8s.io/kube-scheduler/framework"
)

// termKey is a namespace and one label that all pods have which a term matches. A term that selects namespaces by their
// labels has no namespace here, and one that requires no value of any label has no label.
type termKey struct{ namespace, label, value string }

func (t *term) keys() []termKey {
	label, value := "", ""
	if requirements, _ := t.Selector.Requirements(); len(requirements) > 0 {
		label, value = required(requirements)
	}
	if selects(t.NamespaceSelector) {
		return []termKey{{"", label, value}}
	}
	var all []termKey
	for namespace := range t.Namespaces {
		all = append(all, termKey{namespace, label, value})
	}
	return all
}

// required returns a label and the only value of it that the requirements allow, if there is such a label.
func required(requirements labels.Requirements) (label, value string) {
	for i := range requirements {
		switch requirements[i].Operator() {
		case selection.Equals, selection.DoubleEquals, selection.In:
			if values := requirements[i].ValuesUnsorted(); len(values) == 1 {
				return requirements[i].Key(), values[0]
			}
		}
	}
	return "", ""
}

// term finds a term, or adds it.
func (c *existingTerms) term(kind Kind, affinity *fwk.AffinityTerm, topologies func(Topology) *topology) *term {
	name := fmt.Sprintf("%d %s %s", kind, affinity.TopologyKey, TermName(affinity))
	if known, found := c.terms[name]; found {
		return known
	}
	added := &term{domainCounts: domainCounts{topology: topologies(Topology{Key: affinity.TopologyKey})}, AffinityTerm: *affinity, kind: kind, name: name}
	c.terms[name] = added
	for _, key := range added.keys() {
		c.index[kind][key] = append(c.index[kind][key], added)
	}
	return added
}

func (c *existingTerms) forget(gone *term) {
	delete(c.terms, gone.name)
	index := c.index[gone.kind]
	for _, key := range gone.keys() {
		left := slices.DeleteFunc(index[key], func(t *term) bool { return t == gone })
		if index[key] = left; len(left) == 0 {
			delete(index, key)
		}
	}
}

// matching returns the counts of the terms of a kind that match a pod and count somewhere, added up by topology key.
func (c *existingTerms) matching(kind Kind, pod *corev1.Pod, namespace labels.Set) []TermCount {
	var found []*term
	look := func(at termKey) {
		for _, t := range c.index[kind][at] {
			if t.populated > 0 && t.Matches(pod, namespace) {
				found = append(found, t)
			}
		}
	}
	for _, name := range []string{pod.Namespace, ""} {
		look(termKey{namespace: name})
		for label, value := range pod.Labels {
			look(termKey{name, label, value})
		}
	}
	return addUp(found)
}

// addUp returns one count for each topology key of the terms: there may be as many terms as pods, and nobody who looks at all
// nodes should look at all terms for each of them.
func addUp(terms []*term) (counts []TermCount) {
	slices.SortFunc(terms, func(a, b *term) int { return strings.Compare(a.TopologyKey, b.TopologyKey) })
	for len(terms) > 0 {
		key, of := terms[0].TopologyKey, 1
		for of < len(terms) && terms[of].TopologyKey == key {
			of++
		}
		counts = append(counts, TermCount{Key: key, Count: sumOf(terms[:of])})
		terms = terms[of:]
	}
	return counts
}

// sumOf adds up terms of one topology.
func sumOf(terms []*term) *Count {
	if len(terms) == 1 {
		return terms[0].count()
	}
	sum := domainCounts{topology: terms[0].topology}
	for _, t := range terms {
		t.cells.each(func(domain int32, cell *cell) {
			if cell.nodes != 0 {
				sum.add(domain, cell.sum, cell.nodes)
			}
		})
	}
	return sum.count()
}
