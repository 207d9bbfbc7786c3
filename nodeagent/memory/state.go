package memory

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// Block is memory, or huge pages of one size, that a container was given.
type Block struct {
	// Nodes are those of which it is.
	Nodes []int `json:"numaAffinity"`
	// Type is memory or the resource of the huge pages.
	Type corev1.ResourceName `json:"type"`
	// Size is in bytes. What a container got that an init container of its pod had is taken off that one's size.
	Size int64 `json:"size"`
}

func (b Block) set() topology.Nodes { return topology.NodesOf(b.Nodes...) }

// Table is one kind of memory of one node, in bytes.
type Table struct {
	Total   int64 `json:"total"`
	System  int64 `json:"systemReserved"`
	Offered int64 `json:"allocatable"`
	Given   int64 `json:"reserved"`
	Free    int64 `json:"free"`
}

// Node is what is given of one node.
type Node struct {
	// Assignments is how many blocks are of it, and Group the nodes that these are of.
	Assignments int                            `json:"numberOfAssignments"`
	Memory      map[corev1.ResourceName]*Table `json:"memoryMap"`
	Group       []int                          `json:"cells"`
}

func (n *Node) group() topology.Nodes { return topology.NodesOf(n.Group...) }

// State is who has which memory. It is not changed, but replaced by another.
type State struct {
	Nodes map[int]*Node
	// Given are the blocks of containers, by the pods' UIDs and the containers' names.
	Given map[string]map[string][]Block
}

func (s State) copy() State {
	next := State{Nodes: map[int]*Node{}, Given: map[string]map[string][]Block{}}
	for id, n := range s.Nodes {
		tables := map[corev1.ResourceName]*Table{}
		for name, t := range n.Memory {
			table := *t
			tables[name] = &table
		}
		next.Nodes[id] = &Node{n.Assignments, tables, slices.Clone(n.Group)}
	}
	for pod, containers := range s.Given {
		next.Given[pod] = map[string][]Block{}
		for container, blocks := range containers {
			next.Given[pod][container] = slices.Clone(blocks)
		}
	}
	return next
}

// put sets so much aside on some nodes, on the lower ones first. The state is changed.
func (s State) put(nodes []int, name corev1.ResourceName, size int64) {
	for _, id := range nodes {
		n := s.Nodes[id]
		n.Assignments, n.Group = n.Assignments+1, nodes
		t := n.Memory[name]
		if t == nil {
			continue
		}
		part := min(size, t.Free)
		t.Given, t.Free, size = t.Given+part, t.Free-part, size-part
	}
}

// take undoes put. The state is changed.
func (s State) take(b Block) {
	left := b.Size
	for _, id := range b.Nodes {
		n := s.Nodes[id]
		if n.Assignments--; n.Assignments == 0 {
			n.Group = []int{id}
		}
		t := n.Memory[b.Type]
		if t == nil {
			continue
		}
		part := min(left, t.Given)
		t.Given, t.Free, left = t.Given-part, t.Free+part, left-part
	}
}

// release is the state in which a pod has nothing any more.
func (s State) release(pod string) State {
	next := s.copy()
	for _, container := range slices.Sorted(maps.Keys(next.Given[pod])) {
		for _, b := range next.Given[pod][container] {
			next.take(b)
		}
	}
	delete(next.Given, pod)
	return next
}
