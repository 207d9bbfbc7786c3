package topologycount

import (
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
)

// Topology says what divides nodes into domains.
type Topology struct {
	// Key is the label of a node whose value names its domain. A node without it is in no domain.
	Key string
	// MissingIsEmpty puts a node without the label into the domain of the empty value.
	MissingIsEmpty bool
	// EachNode makes each node a domain of its own, whatever its labels are. The other fields have no meaning then.
	EachNode bool
}

// nowhere is the number of no domain.
const nowhere int32 = -1

func (t Topology) value(node *corev1.Node) (string, bool) {
	value, found := node.Labels[t.Key]
	return value, found || t.MissingIsEmpty
}

// topology knows the domain of each node.
type topology struct {
	nodeDomains
	users   int
	edition int64 // grows when any node's domain changes
	shared  bool  // the domains by slot have been given out
}

// nodeDomains is what is known of a topology at one moment. It does not change.
type nodeDomains struct {
	of      Topology
	domains []int32 // by slot
	values  *values
}

// values numbers the values of a label in the order of their appearance. Only new ones are added.
type values struct {
	mutex   sync.RWMutex
	numbers map[string]int32
}

func newTopology(of Topology) *topology {
	return &topology{nodeDomains: nodeDomains{of: of, values: &values{numbers: map[string]int32{}}}}
}

// set puts a slot's node, or nil where there is none, into its domain.
func (t *topology) set(slot int32, node *corev1.Node) {
	domain := nowhere
	if node != nil {
		domain = t.number(slot, node)
	}
	for int(slot) >= len(t.domains) {
		t.domains = append(t.domains, nowhere) // Whoever shares the array does not look beyond its own length.
	}
	if t.domains[slot] == domain {
		return
	}
	if t.shared {
		t.domains, t.shared = slices.Clone(t.domains), false
	}
	t.domains[slot] = domain
	t.edition++
}

func (t *topology) number(slot int32, node *corev1.Node) int32 {
	if t.of.EachNode {
		return slot
	}
	value, inside := t.of.value(node)
	if !inside {
		return nowhere
	}
	t.values.mutex.Lock()
	defer t.values.mutex.Unlock()
	number, known := t.values.numbers[value]
	if !known {
		number = int32(len(t.values.numbers))
		t.values.numbers[value] = number
	}
	return number
}

func (t *topology) freeze() nodeDomains {
	t.shared = true
	return t.nodeDomains
}

// domain returns the number of a node's domain, nowhere for one in which nothing was ever counted, and whether the node
// is in a domain at all.
func (p *nodeDomains) domain(ref NodeRef) (number int32, inside bool) {
	if ref.slot >= 0 && int(ref.slot) < len(p.domains) {
		number = p.domains[ref.slot]
		return number, number != nowhere
	}
	if p.of.EachNode {
		return nowhere, true
	}
	value, inside := p.of.value(ref.node)
	if !inside {
		return nowhere, false
	}
	return p.values.number(value), true
}

func (v *values) number(value string) int32 {
	v.mutex.RLock()
	defer v.mutex.RUnlock()
	if number, known := v.numbers[value]; known {
		return number
	}
	return nowhere
}

func (v *values) count() int {
	v.mutex.RLock()
	defer v.mutex.RUnlock()
	return len(v.numbers)
}
