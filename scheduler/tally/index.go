package tally

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	fwk "k8s.io/kube-scheduler/framework"
)

// anchor is a namespace and one label that all pods have which a term matches. A term that selects namespaces by their
// labels has no namespace here, and one that requires no value of any label has no label.
type anchor struct{ namespace, label, value string }

func (t *term) anchors() []anchor {
	label, value := "", ""
	if requirements, _ := t.Selector.Requirements(); len(requirements) > 0 {
		label, value = required(requirements)
	}
	if selects(t.NamespaceSelector) {
		return []anchor{{"", label, value}}
	}
	var all []anchor
	for namespace := range t.Namespaces {
		all = append(all, anchor{namespace, label, value})
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
func (c *census) term(kind Kind, affinity *fwk.AffinityTerm, topologies func(Topology) *topology) *term {
	name := fmt.Sprintf("%d %s %s", kind, affinity.TopologyKey, TermName(affinity))
	if known, found := c.terms[name]; found {
		return known
	}
	added := &term{sums: sums{topology: topologies(Topology{Key: affinity.TopologyKey})}, AffinityTerm: *affinity, kind: kind, name: name}
	c.terms[name] = added
	for _, anchor := range added.anchors() {
		c.index[kind][anchor] = append(c.index[kind][anchor], added)
	}
	return added
}

func (c *census) forget(gone *term) {
	delete(c.terms, gone.name)
	index := c.index[gone.kind]
	for _, anchor := range gone.anchors() {
		left := slices.DeleteFunc(index[anchor], func(t *term) bool { return t == gone })
		if index[anchor] = left; len(left) == 0 {
			delete(index, anchor)
		}
	}
}

// matching returns the counts of the terms of a kind that match a pod and count somewhere.
func (c *census) matching(kind Kind, pod *corev1.Pod, namespace labels.Set) []TermCount {
	var counts []TermCount
	look := func(at anchor) {
		for _, t := range c.index[kind][at] {
			if t.populated > 0 && t.Matches(pod, namespace) {
				counts = append(counts, TermCount{Key: t.TopologyKey, Count: t.count()})
			}
		}
	}
	for _, name := range []string{pod.Namespace, ""} {
		look(anchor{namespace: name})
		for label, value := range pod.Labels {
			look(anchor{name, label, value})
		}
	}
	return counts
}
