package topology

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/cpuset"
)

// Machine is how a machine is made.
type Machine struct {
	// CPUs are those that are online, by the kernel's numbers.
	CPUs map[int]CPU
	// Nodes are its NUMA nodes, by their IDs. There is one at least.
	Nodes []Node
}

// CPU is where a CPU (a thread of a core) is.
type CPU struct {
	// Core is the lowest number of the CPUs of its core, which no other core of the machine has.
	Core int
	// Socket and Node are the kernel's numbers of its socket and its NUMA node.
	Socket, Node int
	// Cache is which of the last-level caches it shares; the socket's number where the kernel tells of none.
	Cache int
}

// Node is a NUMA node.
type Node struct {
	ID int
	// Memory is in bytes, with what is set aside for huge pages.
	Memory int64
	// HugePages are those that are set aside, in bytes by resource; also where there are none of a size that the machine knows.
	HugePages map[corev1.ResourceName]int64
	// Distances are how far memory is of the node with each ID.
	Distances []uint64
}

// Level is a kind of groups that CPUs are in: cores, caches, sockets or NUMA nodes.
type Level func(CPU) int

// The levels.
func (c CPU) core() int   { return c.Core }
func (c CPU) cache() int  { return c.Cache }
func (c CPU) socket() int { return c.Socket }
func (c CPU) node() int   { return c.Node }

// Cores, Caches, Sockets and NUMANodes are the levels.
var (
	Cores     Level = CPU.core
	Caches    Level = CPU.cache
	Sockets   Level = CPU.socket
	NUMANodes Level = CPU.node
)

// All are the CPUs.
func (m *Machine) All() cpuset.CPUSet { return cpuset.New(slices.Collect(maps.Keys(m.CPUs))...) }

// In are those CPUs of a set that are in some groups of a level.
func (m *Machine) In(set cpuset.CPUSet, level Level, groups ...int) cpuset.CPUSet {
	var found []int
	for _, cpu := range set.UnsortedList() {
		if is, known := m.CPUs[cpu]; known && slices.Contains(groups, level(is)) {
			found = append(found, cpu)
		}
	}
	return cpuset.New(found...)
}

// Groups are those of a level that CPUs of a set are in, sorted.
func (m *Machine) Groups(set cpuset.CPUSet, level Level) []int {
	var groups []int
	for _, cpu := range set.UnsortedList() {
		if is, known := m.CPUs[cpu]; known {
			groups = append(groups, level(is))
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

// Count is how many groups of a level there are.
func (m *Machine) Count(level Level) int { return len(m.Groups(m.All(), level)) }

// Each is how many CPUs a group of a level has, on a machine whose groups are alike.
func (m *Machine) Each(level Level) int { return len(m.CPUs) / max(m.Count(level), 1) }

// NodeIDs are those of the NUMA nodes.
func (m *Machine) NodeIDs() []int {
	ids := make([]int, 0, len(m.Nodes))
	for i := range m.Nodes {
		ids = append(ids, m.Nodes[i].ID)
	}
	return ids
}
