package cache

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/node/topology"
)

// nodeTree is the sequence in which nodes are looked at: one of each zone in turn, so that a search that stops early has
// seen all zones.
type nodeTree struct {
	zones []zone
	count int
	// version grows with every change of the sequence.
	version int64
	// moved are the nodes of the last changes, of which the last one made the version.
	moved []string
}

// mostMoved is how many changes are remembered. Who is further behind reads the whole sequence.
const mostMoved = 256

type zone struct {
	key   string
	nodes []string
}

func (o *nodeTree) add(node *corev1.Node) {
	key := topology.GetZoneKey(node)
	index := slices.IndexFunc(o.zones, func(z zone) bool { return z.key == key })
	if index < 0 {
		index = len(o.zones)
		o.zones = append(o.zones, zone{key: key})
	}
	o.zones[index].nodes = append(o.zones[index].nodes, node.Name)
	o.count++
	o.note(node.Name)
}

// remove takes a node out; nil stands for a node that was never in.
func (o *nodeTree) remove(node *corev1.Node) {
	if node == nil {
		return
	}
	key := topology.GetZoneKey(node)
	index := slices.IndexFunc(o.zones, func(z zone) bool { return z.key == key })
	if index < 0 {
		return
	}
	at := slices.Index(o.zones[index].nodes, node.Name)
	if at < 0 {
		return
	}
	o.zones[index].nodes = slices.Delete(o.zones[index].nodes, at, at+1)
	if len(o.zones[index].nodes) == 0 {
		o.zones = slices.Delete(o.zones, index, index+1)
	}
	o.count--
	o.note(node.Name)
}

func (o *nodeTree) note(node string) {
	if len(o.moved) == mostMoved {
		o.moved = o.moved[:copy(o.moved, o.moved[mostMoved/2:])]
	}
	o.moved = append(o.moved, node)
	o.version++
}

// movedSince returns the nodes that came, went or changed places after an earlier version; a node can be there several
// times. It reports false where that is no longer known.
func (o *nodeTree) movedSince(version int64) (nodes []string, known bool) {
	changes := o.version - version
	if changes > int64(len(o.moved)) {
		return nil, false
	}
	return o.moved[int64(len(o.moved))-changes:], true
}

func (o *nodeTree) list() []string {
	names := make([]string, 0, o.count)
	for round := 0; len(names) < o.count; round++ {
		for _, zone := range o.zones {
			if round < len(zone.nodes) {
				names = append(names, zone.nodes[round])
			}
		}
	}
	return names
}
