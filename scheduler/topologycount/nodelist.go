package topologycount

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/cache"
)

// versionsKept is the number of versions of which it is known what changed. Queries that are made in turn, one for each
// decision, are mostly less behind than that.
const versionsKept = 64

// never is the version of who has not counted yet.
const never int64 = -versionsKept

// nodeList is the nodes as they were last seen, each with a slot: a number that it keeps for as long as it is there.
type nodeList struct {
	// version grows whenever a node came, went or changed.
	version int64
	// changes are the slots that differ between a version and the one before, for the last few versions by their
	// remainder.
	changes [versionsKept][]int32

	list        []fwk.NodeInfo
	slotAt      []int32              // by position in the list
	positions   []int32              // in the list, by slot; of no meaning where the slot is free
	generations []int64              // by slot; 0 where it is free
	nodes       vector[*corev1.Node] // by slot
	slots       map[string]int32     // by name. Replaced, never changed, as is slotAt: snapshots share them.
	scratch     []int32
	free        []int32       // slots without a node
	source      changeTracker // which lister was asked for changes last; nil if nobody
	seen        cache.Version // what it was asked up to
}

// changeTracker is a list of nodes that can tell which of them changed, as *cache.Snapshot does.
type changeTracker interface {
	Version() cache.Version
	ChangedSince(cache.Version) (positions []int, known bool)
}

// update looks at the nodes as they are now.
func (r *nodeList) update(lister fwk.NodeInfoLister) error {
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
		r.changes[r.version%versionsKept] = changed
	}
	return nil
}

// compare returns the slots of nodes that changed, and whether they are still the same nodes in the same order.
func (r *nodeList) compare(lister fwk.NodeInfoLister, list []fwk.NodeInfo) (changed []int32, same bool) {
	positions, told := r.changedPositions(lister, list)
	if len(list) != len(r.list) {
		return nil, false
	}
	if !told {
		for position := range list {
			if changed, same = r.refresh(changed, position, list[position]); !same {
				return changed, false
			}
		}
		return changed, true
	}
	for _, position := range positions {
		if changed, same = r.refresh(changed, position, list[position]); !same {
			return changed, false
		}
	}
	return changed, true
}

// changedPositions returns the positions at which nodes changed, if the lister can tell.
func (r *nodeList) changedPositions(lister fwk.NodeInfoLister, list []fwk.NodeInfo) (positions []int, told bool) {
	source, tells := lister.(changeTracker)
	if !tells {
		r.source = nil
		return nil, false
	}
	if r.source == source && len(list) > 0 && len(list) == len(r.list) && &list[0] == &r.list[0] {
		positions, told = source.ChangedSince(r.seen)
	}
	r.source, r.seen = source, source.Version()
	return positions, told
}

// refresh notes the node at a position if it changed. It reports false when it is another node than before.
func (r *nodeList) refresh(changed []int32, position int, info fwk.NodeInfo) ([]int32, bool) {
	slot := r.slotAt[position]
	if info.GetGeneration() == r.generations[slot] {
		return changed, true
	}
	if info.Node().Name != r.nodes.at(slot).Name {
		return changed, false
	}
	r.set(slot, info)
	return append(changed, slot), true
}

func (r *nodeList) set(slot int32, info fwk.NodeInfo) {
	r.generations[slot] = info.GetGeneration()
	if r.nodes.at(slot) != info.Node() {
		*r.nodes.edit(slot) = info.Node()
	}
}

// relist gives slots to new nodes and takes those of the nodes that are gone. It returns the slots that changed.
func (r *nodeList) relist() []int32 {
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
			r.slotAt[position] = r.takeSlot()
			r.slots[info.Node().Name] = r.slotAt[position]
		}
		slot := r.slotAt[position]
		r.positions[slot] = int32(position)
		if r.generations[slot] != info.GetGeneration() {
			r.set(slot, info)
			changed = append(changed, slot)
		}
	}
	return changed
}

// takeSlot returns a slot without a node.
func (r *nodeList) takeSlot() int32 {
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
func (r *nodeList) info(slot int32) fwk.NodeInfo {
	if r.generations[slot] == 0 {
		return nil
	}
	return r.list[r.positions[slot]]
}

// changed returns the slots that differ between this version and the one before.
func (r *nodeList) changed() []int32 { return r.changes[r.version%versionsKept] }

// stale calls visit for the slots that changed since who keeps the generations was at an earlier version; possibly twice
// where visit does not take over the generation.
func (r *nodeList) stale(version int64, generations []int64, visit func(slot int32)) {
	if r.version-version >= versionsKept {
		for slot, generation := range r.generations {
			if generations[slot] != generation {
				visit(int32(slot))
			}
		}
		return
	}
	for later := version + 1; later <= r.version; later++ {
		for _, slot := range r.changes[later%versionsKept] {
			if generations[slot] != r.generations[slot] {
				visit(slot)
			}
		}
	}
}
