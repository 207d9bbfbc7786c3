package cpus

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/cpuset"

	"github.com/orrery-dev/orrery/nodeagent/restart"
	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// Hints are on which NUMA nodes a container's CPUs could be.
func (p *Policy) Hints(s State, pod *corev1.Pod, spec *corev1.Container) topology.Hints {
	wanted := Wanted(pod, spec)
	if wanted == 0 {
		return nil
	}
	if given, has := s.Given[string(pod.UID)][spec.Name]; has {
		if given.Size() != wanted {
			return nowhere()
		}
		return hints(p.hints(given, cpuset.New(), wanted))
	}
	return hints(p.hints(s.Shared.Difference(p.Reserved), s.reusable(pod), wanted))
}

// PodHints are on which NUMA nodes all CPUs of a pod's containers could be.
func (p *Policy) PodHints(s State, pod *corev1.Pod) topology.Hints {
	wanted := wantedByPod(pod)
	if wanted == 0 {
		return nil
	}
	given := cpuset.New()
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			set, has := s.Given[string(pod.UID)][list[i].Name]
			if has && set.Size() != Wanted(pod, &list[i]) {
				return nowhere()
			}
			given = given.Union(set)
		}
	}
	if given.Size() == wanted {
		return hints(p.hints(given, cpuset.New(), wanted))
	}
	return hints(p.hints(s.Shared.Difference(p.Reserved), s.reusable(pod).Union(given), wanted))
}

func hints(list []topology.Hint) topology.Hints {
	return topology.Hints{string(corev1.ResourceCPU): list}
}

func nowhere() topology.Hints { return hints([]topology.Hint{}) }

// wantedByPod is how many CPUs the containers of a pod have for themselves at most at a time.
func wantedByPod(pod *corev1.Pod) int {
	initial, sidecars, apps := 0, 0, 0
	for i := range pod.Spec.InitContainers {
		spec := &pod.Spec.InitContainers[i]
		if wanted := Wanted(pod, spec); restart.Sidecar(spec) {
			sidecars += wanted
		} else {
			initial = max(initial, sidecars+wanted)
		}
	}
	for i := range pod.Spec.Containers {
		apps += Wanted(pod, &pod.Spec.Containers[i])
	}
	return max(initial, sidecars+apps)
}

// hints are the sets of nodes with enough CPUs, of those that are free and those that the pod has already, which have to be among them.
// Preferred are those of as few nodes as could have so many CPUs if all of them were free.
func (p *Policy) hints(free, own cpuset.CPUSet, wanted int) []topology.Hint {
	m := p.Machine
	nodes := m.Groups(m.All(), topology.NUMANodes)
	least := len(nodes)
	list := []topology.Hint{}
	for set := range topology.Subsets(nodes) {
		ids := set.IDs()
		if m.In(m.All(), topology.NUMANodes, ids...).Size() >= wanted {
			least = min(least, set.Count())
		}
		if !m.In(own, topology.NUMANodes, ids...).Equals(own) {
			continue
		}
		if own.Size()+m.In(free, topology.NUMANodes, ids...).Size() >= wanted {
			list = append(list, topology.Hint{Nodes: set})
		}
	}
	for i := range list {
		list[i].Preferred = list[i].Nodes.Count() == least
	}
	return list
}
