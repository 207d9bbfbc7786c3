package memory

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/restart"
	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// Hints are of which NUMA nodes a container's memory could be.
func (p *Policy) Hints(s State, pod *corev1.Pod, spec *corev1.Container) topology.Hints {
	wanted := Wanted(pod, spec)
	if len(wanted) == 0 {
		return nil
	}
	if blocks, has := s.Given[string(pod.UID)][spec.Name]; has {
		return again(blocks, wanted)
	}
	return forEach(wanted, p.hints(s, s.reusable(pod), wanted))
}

// PodHints are of which NUMA nodes all memory of a pod's containers could be.
func (p *Policy) PodHints(s State, pod *corev1.Pod) topology.Hints {
	wanted := wantedByPod(pod)
	if len(wanted) == 0 {
		return nil
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if blocks, has := s.Given[string(pod.UID)][list[i].Name]; has {
				return again(blocks, wanted)
			}
		}
	}
	return forEach(wanted, p.hints(s, nil, wanted))
}

// wantedByPod is what the containers of a pod have at most at a time.
func wantedByPod(pod *corev1.Pod) map[corev1.ResourceName]int64 {
	initial, sidecars, all := map[corev1.ResourceName]int64{}, map[corev1.ResourceName]int64{}, map[corev1.ResourceName]int64{}
	for i := range pod.Spec.InitContainers {
		spec := &pod.Spec.InitContainers[i]
		for name, size := range Wanted(pod, spec) {
			if restart.Sidecar(spec) {
				sidecars[name] += size
			} else {
				initial[name] = max(initial[name], sidecars[name]+size)
			}
		}
	}
	for i := range pod.Spec.Containers {
		for name, size := range Wanted(pod, &pod.Spec.Containers[i]) {
			all[name] += size
		}
	}
	for name := range all {
		all[name] = max(all[name]+sidecars[name], initial[name])
	}
	return all
}

// again are the hints by which blocks were given. Blocks of other sizes than are wanted say nothing.
func again(blocks []Block, wanted map[corev1.ResourceName]int64) topology.Hints {
	if len(blocks) != len(wanted) {
		return nil
	}
	all := topology.Hints{}
	for _, b := range blocks {
		if size, is := wanted[b.Type]; !is || size != b.Size {
			return nil
		}
		all[string(b.Type)] = append(all[string(b.Type)], topology.Hint{Nodes: b.set(), Preferred: true})
	}
	return all
}

// forEach are the same hints for all that is wanted; nothing, if there are none.
func forEach(wanted map[corev1.ResourceName]int64, list []topology.Hint) topology.Hints {
	all := topology.Hints{}
	for name := range wanted {
		if len(list) > 0 {
			all[string(name)] = list
		}
	}
	return all
}

// hints are the sets of nodes that have enough of all that is wanted, and may give it together. Preferred are those of as few nodes as would
// have enough if nobody had anything.
func (p *Policy) hints(s State, reusable map[topology.Nodes]map[corev1.ResourceName]int64, wanted map[corev1.ResourceName]int64) []topology.Hint {
	nodes := p.Machine.NodeIDs()
	least := len(nodes)
	var list []topology.Hint
	for set := range topology.Subsets(nodes) {
		if !s.could(set, wanted) {
			continue
		}
		least = min(least, set.Count())
		alone := set.Count() == 1
		if alone && len(s.Nodes[set.IDs()[0]].Group) > 1 || !alone && !s.mayGroup(set) || !s.hasWith(set, reusable[set], wanted) {
			continue
		}
		list = append(list, topology.Hint{Nodes: set})
	}
	for i := range list {
		list[i].Preferred = list[i].Nodes.Count() == least
	}
	return list
}

// could says whether some nodes would have enough if nobody had anything.
func (s State) could(set topology.Nodes, wanted map[corev1.ResourceName]int64) bool {
	for name, size := range wanted {
		if s.sum(set, name, func(t *Table) int64 { return t.Offered }) < size {
			return false
		}
	}
	return true
}

// hasWith says whether some nodes have enough that is free, with what the pod has of them already.
func (s State) hasWith(set topology.Nodes, own, wanted map[corev1.ResourceName]int64) bool {
	left := map[corev1.ResourceName]int64{}
	for name, size := range wanted {
		left[name] = size - own[name]
	}
	return s.has(set, left)
}

// narrowest is the best of some hints, of those that have certain nodes among theirs: a preferred one, and of few nodes.
func narrowest(list []topology.Hint, with topology.Nodes) (best topology.Hint, found bool) {
	for _, h := range list {
		better := h.Preferred && !best.Preferred || h.Preferred == best.Preferred && h.Nodes.Narrower(best.Nodes)
		if h.Nodes&with == with && (!found || better) {
			best, found = h, true
		}
	}
	return best, found
}
