package cpus

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/cpuset"
)

// State is who has which CPUs. It is not changed, but replaced by another.
type State struct {
	// Shared are the CPUs of the shared pool.
	Shared cpuset.CPUSet
	// Given are the CPUs that containers have for themselves, by the pods' UIDs and the containers' names.
	Given map[string]map[string]cpuset.CPUSet
}

// Of are the CPUs on which a container runs.
func (s State) Of(pod, container string) cpuset.CPUSet {
	if given, has := s.Given[pod][container]; has {
		return given
	}
	return s.Shared
}

func (s State) copy() State {
	given := maps.Clone(s.Given)
	if given == nil {
		given = map[string]map[string]cpuset.CPUSet{}
	}
	return State{s.Shared, given}
}

// give is the state in which a container has some CPUs more.
func (s State) give(pod *corev1.Pod, spec *corev1.Container, set cpuset.CPUSet) State {
	next, uid := s.copy(), string(pod.UID)
	containers := maps.Clone(next.Given[uid])
	if containers == nil {
		containers = map[string]cpuset.CPUSet{}
	}
	containers[spec.Name] = set
	next.Given[uid], next.Shared = containers, next.Shared.Difference(set)
	return next
}

// release is the state in which a pod has none any more.
func (s State) release(pod string) State {
	next := s.copy()
	next.Shared = next.Shared.Union(slices.Collect(maps.Values(next.Given[pod]))...)
	delete(next.Given, pod)
	return next
}

// check says why a state cannot be of this policy on this machine.
func (p *Policy) check(s State) error {
	if overlap := p.Reserved.Intersection(s.Shared); p.StrictReservation && !overlap.IsEmpty() {
		return fmt.Errorf("some of strictly reserved cpus: %q are present in defaultCpuSet: %q", overlap, s.Shared)
	}
	if !p.StrictReservation && !p.Reserved.IsSubsetOf(s.Shared) {
		return fmt.Errorf("not all reserved cpus: %q are present in defaultCpuSet: %q", p.Reserved, s.Shared)
	}
	known := s.Shared
	for _, pod := range slices.Sorted(maps.Keys(s.Given)) {
		for _, container := range slices.Sorted(maps.Keys(s.Given[pod])) {
			set := s.Given[pod][container]
			if !s.Shared.Intersection(set).IsEmpty() {
				return fmt.Errorf("pod: %s, container: %s cpuset: %q overlaps with default cpuset %q", pod, container, set, s.Shared)
			}
			known = known.Union(set)
		}
	}
	if all := p.shareable(); !known.Equals(all) {
		return fmt.Errorf("current set of available CPUs %q doesn't match with CPUs in state %q", all, known)
	}
	return nil
}
