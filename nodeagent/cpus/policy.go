package cpus

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	podresources "k8s.io/component-helpers/resource"
	"k8s.io/utils/cpuset"

	"github.com/orrery-dev/orrery/nodeagent/restart"
	"github.com/orrery-dev/orrery/nodeagent/status"
	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// Policy is the static policy on one machine. It is pure.
type Policy struct {
	Options
	Machine *topology.Machine
	// Reserved are the CPUs that are never given to anybody.
	Reserved cpuset.CPUSet
}

// NewPolicy reserves so many CPUs, the first ones, or those that are named, which have to be as many.
func NewPolicy(m *topology.Machine, o Options, count int, named cpuset.CPUSet) (*Policy, error) {
	p := &Policy{Options: o, Machine: m, Reserved: named}
	var err error
	if named.IsEmpty() {
		if p.Reserved, err = p.take(m.All(), count); err != nil {
			return nil, fmt.Errorf("reserving %d CPUs for the system: %w", count, err)
		}
	}
	switch {
	case !p.Reserved.IsSubsetOf(m.All()):
		return nil, fmt.Errorf("reserving CPUs %s for the system: the machine has %s", p.Reserved, m.All())
	case p.Reserved.Size() != count:
		return nil, fmt.Errorf("reserving CPUs %s for the system: %d are reserved by systemReserved and kubeReserved", p.Reserved, count)
	}
	return p, nil
}

// shareable are the CPUs of which the shared pool is made.
func (p *Policy) shareable() cpuset.CPUSet {
	if p.StrictReservation {
		return p.Machine.All().Difference(p.Reserved)
	}
	return p.Machine.All()
}

// Allocatable are the CPUs that can be given to somebody.
func (p *Policy) Allocatable() cpuset.CPUSet { return p.Machine.All().Difference(p.Reserved) }

// take takes so many CPUs of those that are free.
func (p *Policy) take(free cpuset.CPUSet, count int) (cpuset.CPUSet, error) {
	if !p.Distribute {
		return takePacked(p.Machine, free, count, p.AlignByCache)
	}
	unit := 1
	if p.FullCores {
		unit = p.Machine.Each(topology.Cores)
	}
	return takeDistributed(p.Machine, free, count, unit)
}

// Wanted is how many CPUs a container is to have for itself: 0 if it shares. A pod with requests of its own has nothing for itself, as with
// a kubelet.
func Wanted(pod *corev1.Pod, spec *corev1.Container) int {
	requested := spec.Resources.Requests[corev1.ResourceCPU]
	whole := requested.Value()
	if status.QOSClass(&pod.Spec) != corev1.PodQOSGuaranteed || podresources.IsPodLevelResourcesSet(pod) || whole*1000 != requested.MilliValue() {
		return 0
	}
	return int(whole)
}

// SMTAlignmentError refuses a container where only whole cores are given.
type SMTAlignmentError struct{ message string }

// Error is the kubelet's message.
func (e *SMTAlignmentError) Error() string { return e.message }

// whole refuses a container that asks for parts of cores, or for more whole cores than there are free ones.
func (p *Policy) whole(s State, wanted int) error {
	each := p.Machine.Each(topology.Cores)
	if !p.FullCores {
		return nil
	}
	if wanted%each != 0 {
		return &SMTAlignmentError{fmt.Sprintf("SMT Alignment Error: requested %d cpus not multiple cpus per core = %d", wanted, each)}
	}
	halved := p.Machine.In(p.Machine.All(), topology.Cores, p.Machine.Groups(p.Reserved, topology.Cores)...)
	if free := s.Shared.Difference(halved).Size(); wanted > free {
		return &SMTAlignmentError{fmt.Sprintf(
			"SMT Alignment Error: not enough free physical CPUs: available physical CPUs = %d, requested CPUs = %d, CPUs per core = %d", free, wanted, each)}
	}
	return nil
}

// Allocate gives a container of a pod the CPUs that it wants, on some NUMA nodes as far as they have them, and returns the state in which it
// has them.
func (p *Policy) Allocate(s State, pod *corev1.Pod, spec *corev1.Container, near topology.Nodes) (State, error) {
	wanted := Wanted(pod, spec)
	if _, has := s.Given[string(pod.UID)][spec.Name]; has || wanted == 0 {
		return s, nil
	}
	if err := p.whole(s, wanted); err != nil {
		return s, err
	}
	free := s.Shared.Difference(p.Reserved).Union(s.reusable(pod))
	chosen := cpuset.New()
	var err error
	if near != 0 {
		aligned := p.Machine.In(free, topology.NUMANodes, near.IDs()...)
		if chosen, err = p.take(aligned, min(wanted, aligned.Size())); err != nil {
			return s, err
		}
	}
	rest, err := p.take(free.Difference(chosen), wanted-chosen.Size())
	if err != nil {
		return s, err
	}
	return s.give(pod, spec, chosen.Union(rest)), nil
}

// reusable are the CPUs of a pod's init containers that have ended when its next container starts, unless they were passed on already.
func (s State) reusable(pod *corev1.Pod) cpuset.CPUSet {
	given, left := s.Given[string(pod.UID)], cpuset.New()
	for i := range pod.Spec.InitContainers {
		spec := &pod.Spec.InitContainers[i]
		if set := given[spec.Name]; restart.Sidecar(spec) {
			left = left.Difference(set)
		} else {
			left = left.Union(set)
		}
	}
	for i := range pod.Spec.Containers {
		left = left.Difference(given[pod.Spec.Containers[i].Name])
	}
	return left
}
