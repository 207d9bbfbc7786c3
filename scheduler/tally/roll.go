package tally

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/cache"
)

// remembered is the number of versions of which it is known what changed. Questions that are asked in turn, one for each
// decision, are mostly less behind than that.
const remembered = 64

// never is the version of who has not counted yet.
const never int64 = -remembered

// roll is the nodes as they were last seen, each with a slot: a number that it keeps for as long as it is there.
type roll struct {
	// version grows whenever a node came, went or changed.
	version int64
	// changes are the slots that differ between a version and the one before, for the last few versions by their
	// remainder.
	changes [remembered][]int32

	list        []fwk.NodeInfo
	slotAt      []int32              // by position in the list
	positions   []int32              // in the list, by slot; of no meaning where the slot is free
	generations []int64              // by slot; 0 where it is free
	nodes       vector[*corev1.Node] // by slot
	slots       map[string]int32     // by name. Replaced, never changed, as is slotAt: moments share them.
	scratch     []int32
	free        []int32       // slots without a node
	source      changeTeller  // who was asked for changes last; nil if nobody
	heard       cache.Version // what it was asked up to
}

// changeTeller is a list of nodes that can tell which of them changed, as *cache.Snapshot does.
type changeTeller interface {
	Version() cache.Version
	ChangedSince(cache.Version) (positions []int, known bool)
}

// turn looks at the nodes as they are now.
func (r *roll) turn(lister fwk.NodeInfoLister) error {
	list, err := lister.List()
	if err != nil {
		return fmt.Errorf("listing all nodes: %w", err)
	}
	changed, same := r.compare(lister, list)
	r.list = list
	if !same {
		changed = append(changed, r.relist()...)
	}
	if len(changed) > 0 {
		r.version++
		r.changes[r.version%remembered] = changed
	}
	return nil
}

// compare returns the slots of nodes that changed, and whether they are still the same nodes in the same order.
func (r *roll) compare(lister fwk.NodeInfoLister, list []fwk.NodeInfo) (changed []int32, same bool) {
	positions, told := r.ask(lister, list)
	if len(list) != len(r.list) {
		return nil, false
	}
	if !told {
		for position := range list {
			if changed, same = r.look(changed, position, list[position]); !same {
				return changed, false
			}
		}
		return changed, true
	}
	for _, position := range positions {
		if changed, same = r.look(changed, position, list[position]); !same {
			return changed, false
		}
	}
	return changed, true
}

// ask returns the positions at which nodes changed, if the lister can tell.
func (r *roll) ask(lister fwk.NodeInfoLister, list []fwk.NodeInfo) (positions []int, told bool) {
	source, tells := lister.(changeTeller)
	if !tells {
		r.source = nil
		return nil, false
	}
	if r.source == source && len(list) > 0 && len(list) == len(r.list) && &list[0] == &r.list[0] {
		positions, told = source.ChangedSince(r.heard)
	}
	r.source, r.heard = source, source.Version()
	return positions, told
}

// look notes the node at a position if it changed. It reports false when it is another node than before.
func (r *roll) look(changed []int32, position int, info fwk.NodeInfo) ([]int32, bool) {
	slot := r.slotAt[position]
	if info.GetGeneration() == r.generations[slot] {
		return changed, true
	}
	if info.Node().Name != r.nodes.at(slot).Name {
		return changed, false
	}
	r.fill(slot, info)
	return append(changed, slot), true
}

func (r *roll) fill(slot int32, info fwk.NodeInfo) {
	r.generations[slot] = info.GetGeneration()
	if r.nodes.at(slot) != info.Node() {
		*r.nodes.edit(slot) = info.Node()
	}
}

// relist gives slots to new nodes and takes those of the nodes that are gone. It returns the slots that changed.
func (r *roll) relist() []int32 {
	var changed []int32
	before := r.slots
	r.slots = make(map[string]int32, len(r.list))
	r.slotAt = make([]int32, len(r.list))
	for position, info := range r.list {
		if slot, known := before[info.Node().Name]; known {
			r.slots[info.Node().Name] = slot
			r.slotAt[position] = slot
		}
	}
	for name, slot := range before {
		if _, still := r.slots[name]; !still {
			r.generations[slot] = 0
			*r.nodes.edit(slot) = nil
			r.free = append(r.free, slot)
			changed = append(changed, slot)
		}
	}
	for position, info := range r.list {
		if _, known := r.slots[info.Node().Name]; !known {
			r.slotAt[position] = r.take()
			r.slots[info.Node().Name] = r.slotAt[position]
		}
		slot := r.slotAt[position]
		r.positions[slot] = int32(position)
		if r.generations[slot] != info.GetGeneration() {
			r.fill(slot, info)
			changed = append(changed, slot)
		}
	}
	return changed
}

// take returns a slot without a node.
func (r *roll) take() int32 {
	if last := len(r.free) - 1; last >= 0 {
		slot := r.free[last]
		r.free = r.free[:last]
		return slot
	}
	r.generations = append(r.generations, 0)
	r.positions = append(r.positions, 0)
	return int32(len(r.generations) - 1)
}

// info returns the node in a slot, or nil.
func (r *roll) info(slot int32) fwk.NodeInfo {
	if r.generations[slot] == 0 {
		return nil
	}
	return r.list[r.positions[slot]]
}

// changed returns the slots that differ between this version and the one before.
func (r *roll) changed() []int32 { return r.changes[r.version%remembered] }

// stale calls visit for the slots that changed since who keeps the generations was at an earlier version; possibly twice
// where visit does not take over the generation.
func (r *roll) stale(version int64, generations []int64, visit func(slot int32)) {
	if r.version-version >= remembered {
		for slot, generation := range r.generations {
			if generations[slot] != generation {
				visit(int32(slot))
			}
		}
		return
	}
	for later := version + 1; later <= r.version; later++ {
		for _, slot := range r.changes[later%remembered] {
			if generations[slot] != r.generations[slot] {
				visit(slot)
			}
		}
	}
}
