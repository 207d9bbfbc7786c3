package devices

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	podresources "k8s.io/component-helpers/resource"

	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// Hints are near to which NUMA nodes, of those of the machine, a container's devices could be.
func (m *Manager) Hints(pod *corev1.Pod, spec *corev1.Container, machine []int) topology.Hints {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := topology.Hints{}
	for name, wanted := range m.asks(pod, spec) {
		all[name] = m.hints(name, m.given[string(pod.UID)][spec.Name][name].ids(), m.given.reusable(pod, name), wanted, machine)
	}
	return all
}

// PodHints are near to which NUMA nodes all devices of a pod could be.
func (m *Manager) PodHints(pod *corev1.Pod, machine []int) topology.Hints {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := topology.Hints{}
	for name, quantity := range podresources.PodLimits(pod, podresources.PodResourcesOptions{ExcludeOverhead: true}) {
		resource := string(name)
		if !strings.Contains(resource, "/") || m.offers[resource] == nil && !m.given.knows(resource) {
			continue
		}
		var given []string
		for _, grants := range m.given[string(pod.UID)] {
			given = append(given, grants[resource].ids()...)
		}
		all[resource] = m.hints(resource, sorted(given), nil, int(quantity.Value()), machine)
	}
	return all
}

// hints are those for devices of one resource: the ones that were given already, or some of those that are free, with all of the reusable
// ones. The lock is held.
func (m *Manager) hints(resource string, given, reusable []string, wanted int, machine []int) []topology.Hint {
	p := pool{resource: resource, taken: m.given.taken(resource)}
	if o := m.offers[resource]; o != nil {
		p.devices = o.devices
	}
	free := given
	switch {
	case !p.aligned():
		return nil
	case len(given) > 0 && len(given) != wanted:
		return []topology.Hint{}
	case len(given) > 0:
		reusable = nil
	default:
		if free = p.free(); m.offers[resource].plugin() == nil || len(sorted(free, reusable)) < wanted {
			return []topology.Hint{}
		}
	}
	return p.hints(free, reusable, wanted, machine)
}

// hints are the sets of nodes near to which there are enough devices. Preferred are those of as few nodes as would have enough if nobody
// had any. Only nodes are looked at to which a device is near.
func (p pool) hints(free, reusable []string, wanted int, machine []int) []topology.Hint {
	nodes := p.nodes(machine)
	least := len(nodes)
	list := []topology.Hint{}
	for set := range topology.Subsets(nodes) {
		if p.within(slices.Collect(maps.Keys(p.devices)), set) >= wanted {
			least = min(least, set.Count())
		}
		placed := slices.DeleteFunc(slices.Clone(reusable), func(id string) bool { return len(p.devices[id].NUMA) == 0 })
		if own := p.within(placed, set); own == len(placed) && own+p.within(free, set) >= wanted {
			list = append(list, topology.Hint{Nodes: set})
		}
	}
	for i := range list {
		list[i].Preferred = list[i].Nodes.Count() == least
	}
	return list
}

// nodes are those of the machine to which a device is near; all of them, if none is near to any.
func (p pool) nodes(machine []int) []int {
	var found []int
	for _, node := range machine {
		if p.within(slices.Collect(maps.Keys(p.devices)), topology.NodesOf(node)) > 0 {
			found = append(found, node)
		}
	}
	if len(found) == 0 {
		return machine
	}
	return found
}

// within is how many of some devices are near to a node of a set.
func (p pool) within(ids []string, set topology.Nodes) (n int) {
	for _, id := range ids {
		if slices.ContainsFunc(p.devices[id].NUMA, func(node int64) bool { return set.Has(int(node)) }) {
			n++
		}
	}
	return n
}
