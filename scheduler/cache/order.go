package cache

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/node/topology"
)

// order is the sequence in which nodes are looked at: one of each zone in turn, so that a search that stops early has
// seen all zones.
type order struct {
	zones []zone
	count int
	// version grows with every change of the sequence.
	version int64
}

type zone struct {
	key   string
	nodes []string
}

func (o *order) add(node *corev1.Node) {
	key := topology.GetZoneKey(node)
	index := slices.IndexFunc(o.zones, func(z zone) bool { return z.key == key })
	if index < 0 {
		index = len(o.zones)
		o.zones = append(o.zones, zone{key: key})
	}
	o.zones[index].nodes = append(o.zones[index].nodes, node.Name)
	o.count++
	o.version++
}

// remove takes a node out; nil stands for a node that was never in.
func (o *order) remove(node *corev1.Node) {
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
	o.version++
}

func (o *order) list() []string {
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
