package memory

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	podresources "k8s.io/component-helpers/resource"

	"github.com/orrery-dev/orrery/nodeagent/hugepages"
	"github.com/orrery-dev/orrery/nodeagent/restart"
	"github.com/orrery-dev/orrery/nodeagent/status"
	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// The policies, by the kubelet's names.
const (
	None   = "None"
	Static = "Static"
)

// Policy is the static policy on one machine. It is pure.
type Policy struct {
	Machine *topology.Machine
	// Reserved is what is kept from containers, in bytes, by node.
	Reserved map[int]map[corev1.ResourceName]int64
}

// initial is the state in which nobody has anything.
func (p *Policy) initial() State {
	s := State{Nodes: map[int]*Node{}, Given: map[string]map[string][]Block{}}
	for i := range p.Machine.Nodes {
		of := &p.Machine.Nodes[i]
		n := &Node{Memory: map[corev1.ResourceName]*Table{}, Group: []int{of.ID}}
		rest := of.Memory
		for name, size := range of.HugePages {
			n.Memory[name] = table(size, p.Reserved[of.ID][name], size)
			rest -= size
		}
		n.Memory[corev1.ResourceMemory] = table(of.Memory, p.Reserved[of.ID][corev1.ResourceMemory], rest)
		s.Nodes[of.ID] = n
	}
	return s
}

// table is that of memory of which so much is not set aside for huge pages.
func table(total, system, rest int64) *Table {
	offered := max(rest-system, 0)
	return &Table{Total: total, System: system, Offered: offered, Free: offered}
}

// Wanted is what a container is to have of certain nodes, in bytes: nothing, unless its pod is Guaranteed and has no requests of its own.
func Wanted(pod *corev1.Pod, spec *corev1.Container) map[corev1.ResourceName]int64 {
	wanted := map[corev1.ResourceName]int64{}
	if status.QOSClass(&pod.Spec) != corev1.PodQOSGuaranteed || podresources.IsPodLevelResourcesSet(pod) {
		return wanted
	}
	for name, quantity := range spec.Resources.Requests {
		if name == corev1.ResourceMemory || hugepages.Is(name) {
			wanted[name] = quantity.Value()
		}
	}
	return wanted
}

// The kubelet's messages.
var (
	errNoNodes     = errors.New("[memorymanager] failed to get the default NUMA affinity, no NUMA nodes with enough memory is available")
	errNoDefault   = errors.New("[memorymanager] failed to find the default preferred hint")
	errNoExtension = errors.New("[memorymanager] failed to find NUMA nodes to extend the current topology hint")
	errExtension   = errors.New("[memorymanager] failed to find the extended preferred hint")
	errMixed       = errors.New("[memorymanager] preferred hint violates NUMA node allocation")
)

// Allocate gives a container of a pod the memory that it wants, of the nodes of a hint and of others that are needed beside them, and
// returns the state in which it has it.
func (p *Policy) Allocate(s State, pod *corev1.Pod, spec *corev1.Container, best topology.Hint) (State, error) {
	wanted := Wanted(pod, spec)
	if _, has := s.Given[string(pod.UID)][spec.Name]; has || len(wanted) == 0 {
		return s, nil
	}
	nodes, err := p.place(s, pod, wanted, best)
	if err != nil {
		return s, err
	}
	next, reusable := s.copy(), s.reusable(pod)
	var blocks []Block
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		blocks = append(blocks, Block{Nodes: nodes.IDs(), Type: name, Size: wanted[name]})
		next.put(nodes.IDs(), name, max(wanted[name]-reusable[nodes][name], 0))
	}
	if next.Given[string(pod.UID)] == nil {
		next.Given[string(pod.UID)] = map[string][]Block{}
	}
	next.Given[string(pod.UID)][spec.Name] = blocks
	next.passOn(pod, spec, blocks)
	return next, nil
}

// place says of which nodes a container is given memory.
func (p *Policy) place(s State, pod *corev1.Pod, wanted map[corev1.ResourceName]int64, best topology.Hint) (topology.Nodes, error) {
	if best.Nodes == 0 {
		chosen, found := narrowest(p.hints(s, s.reusable(pod), wanted), 0)
		switch {
		case !found:
			return 0, errNoNodes
		case best.Preferred && !chosen.Preferred:
			return 0, errNoDefault
		}
		best = chosen
	}
	if !s.has(best.Nodes, wanted) {
		chosen, found := narrowest(p.hints(s, s.reusable(pod), wanted), best.Nodes)
		switch {
		case !found:
			return 0, errNoExtension
		case best.Preferred && !chosen.Preferred:
			return 0, errExtension
		}
		best = chosen
	}
	if !s.mayGroup(best.Nodes) {
		return 0, errMixed
	}
	return best.Nodes, nil
}

// has says whether some nodes have enough that is free.
func (s State) has(nodes topology.Nodes, wanted map[corev1.ResourceName]int64) bool {
	for name, size := range wanted {
		if s.sum(nodes, name, func(t *Table) int64 { return t.Free }) < size {
			return false
		}
	}
	return true
}

func (s State) sum(nodes topology.Nodes, name corev1.ResourceName, what func(*Table) int64) (sum int64) {
	for _, id := range nodes.IDs() {
		if t := s.Nodes[id].Memory[name]; t != nil {
			sum += what(t)
		}
	}
	return sum
}

// mayGroup says whether several nodes can give something together: none of them gives to others alone, or in another group.
func (s State) mayGroup(nodes topology.Nodes) bool {
	if nodes.Count() == 1 {
		return true
	}
	for _, id := range nodes.IDs() {
		if n := s.Nodes[id]; n.Assignments > 0 && (len(n.Group) == 1 || n.group() != nodes) {
			return false
		}
	}
	return true
}

// reusable is what the next container of a pod can have of what its init containers had, by the nodes that these had it of: the largest of
// each, less what containers that run on had of it already.
func (s State) reusable(pod *corev1.Pod) map[topology.Nodes]map[corev1.ResourceName]int64 {
	left, given := map[topology.Nodes]map[corev1.ResourceName]int64{}, s.Given[string(pod.UID)]
	for _, spec := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		had := Wanted(pod, &spec)
		for _, b := range given[spec.Name] {
			of := left[b.set()]
			if of == nil {
				of = map[corev1.ResourceName]int64{}
				left[b.set()] = of
			}
			if regular(pod, &spec) {
				of[b.Type] = max(of[b.Type], had[b.Type])
			} else {
				of[b.Type] = max(of[b.Type]-had[b.Type], 0)
			}
		}
	}
	return left
}

// regular says whether a container is an init container that ends before others start.
func regular(pod *corev1.Pod, spec *corev1.Container) bool {
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Name == spec.Name {
			return !restart.Sidecar(&pod.Spec.InitContainers[i])
		}
	}
	return false
}

// passOn takes what a container was given off what init containers before it have of the same nodes, so that all blocks of a pod together are
// what is set aside for it. The state is changed.
func (s State) passOn(pod *corev1.Pod, spec *corev1.Container, blocks []Block) {
	given := s.Given[string(pod.UID)]
	for _, b := range blocks {
		left := b.Size
		for i := range pod.Spec.InitContainers {
			before := &pod.Spec.InitContainers[i]
			if before.Name == spec.Name {
				break
			}
			if restart.Sidecar(before) {
				continue
			}
			for j := range given[before.Name] {
				if had := &given[before.Name][j]; had.Type == b.Type && had.set() == b.set() {
					part := min(left, had.Size)
					had.Size, left = had.Size-part, left-part
				}
			}
		}
	}
}

// check says why a state cannot be of this policy on this machine. How what several nodes give together is parted among them depends on the
// order in which it was given, which nobody remembers: so it counts how much that is of all of them.
func (p *Policy) check(s State) error {
	fresh, given := p.initial(), map[corev1.ResourceName]int64{}
	for pod, containers := range s.Given {
		for container, blocks := range containers {
			for _, b := range blocks {
				given[b.Type] += b.Size
				for _, id := range b.Nodes {
					if fresh.Nodes[id] == nil || fresh.Nodes[id].Memory[b.Type] == nil {
						return fmt.Errorf("[memorymanager] (pod: %s, container: %s) the memory assignment uses the NUMA that does not exist", pod, container)
					}
					fresh.Nodes[id].Assignments++
				}
			}
		}
	}
	same := maps.EqualFunc(s.Nodes, fresh.Nodes, func(n, is *Node) bool {
		return n.Assignments == is.Assignments && maps.EqualFunc(n.Memory, is.Memory, func(t, is *Table) bool {
			return t.Total == is.Total && t.System == is.System && t.Offered == is.Offered && t.Given+t.Free == t.Offered
		})
	})
	for _, n := range s.Nodes {
		for name, t := range n.Memory {
			given[name] -= t.Given
		}
	}
	for _, size := range given {
		same = same && size == 0
	}
	if !same {
		return errors.New("[memorymanager] the expected machine state is different from the real one")
	}
	return nil
}
