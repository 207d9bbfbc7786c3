package volumebinding

import corev1 "k8s.io/api/core/v1"

// nearby is things that nodes can reach, most of them only nodes with a certain label. It saves trying each thing for
// each node: what it returns for a node still has to be tried.
type nearby[T any] struct {
	anywhere []T
	keys     []string // of labelled, in the order in which they came
	labelled map[string]map[string][]T
}

// addAnywhere adds a thing of which it cannot be said by one label who can reach it.
func (n *nearby[T]) addAnywhere(thing T) { n.anywhere = append(n.anywhere, thing) }

// addAt adds a thing that only nodes can reach which have one of the values of the label.
func (n *nearby[T]) addAt(key string, values []string, thing T) {
	byValue, known := n.labelled[key]
	if !known {
		if n.labelled == nil {
			n.labelled = map[string]map[string][]T{}
		}
		byValue = map[string][]T{}
		n.labelled[key] = byValue
		n.keys = append(n.keys, key)
	}
	for _, value := range values {
		byValue[value] = append(byValue[value], thing)
	}
}

// of returns what the node may be able to reach, in an order that does not depend on chance. Do not change it.
func (n *nearby[T]) of(node *corev1.Node) []T {
	things := n.anywhere[:len(n.anywhere):len(n.anywhere)] // Appending copies.
	for _, key := range n.keys {
		value, has := node.Labels[key]
		if !has {
			continue
		}
		if here := n.labelled[key][value]; len(things) == 0 {
			things = here[:len(here):len(here)]
		} else {
			things = append(things, here...)
		}
	}
	return things
}
