package devices

import (
	"fmt"
	"maps"
	"slices"
)

// Device is one that a plugin offers.
type Device struct {
	Healthy bool
	// NUMA are the nodes of the machine's memory that it is near to; none where that does not matter, or is not known.
	NUMA []int64
}

// pool is what a container can be given of one resource.
type pool struct {
	resource string
	// devices are all that there are, by ID.
	devices map[string]Device
	// reusable are those that the pod has already, for containers that will have ended.
	reusable []string
	// taken are those that somebody has.
	taken map[string]bool
	// near are the NUMA nodes that were chosen for the container; nil if none were.
	near []int
}

// choice is a choice in the making. What is taken first is sorted by ID, so that the same pool always makes the same choice.
type choice struct {
	wanted int
	chosen []string
	// of are those among which the plugin may prefer some, when there is a choice; and after are those that are taken then, in order.
	of, after []string
	// available is what the plugin is told that it can prefer, with what is chosen already.
	available []string
}

// choose begins to choose so many devices. It is over unless the choice is open: then the plugin may be asked before it is closed.
func (p pool) choose(wanted int) (*choice, error) {
	c := &choice{wanted: wanted}
	c.take(p.reusable)
	if c.missing() == 0 {
		return c, nil
	}
	free := p.free()
	if len(free) < c.missing() {
		return nil, fmt.Errorf("requested number of devices unavailable for %s. Requested: %d, Available: %d", p.resource, c.missing(), len(free))
	}
	aligned, unaligned, anywhere := p.byAffinity(free)
	if c.missing() < len(aligned) {
		c.of, c.after = aligned, aligned
		c.available = sorted(aligned, c.chosen)
		return c, nil
	}
	c.take(aligned) // all of them: what was chosen for the container counts for more than what the plugin prefers
	c.of, c.after = free, slices.Concat(unaligned, anywhere)
	c.available = sorted(free, c.chosen)
	return c, nil
}

func (c *choice) missing() int { return c.wanted - len(c.chosen) }

// open says whether there still is something to choose.
func (c *choice) open() bool { return c.missing() > 0 }

// close takes what the plugin prefers, as far as it is there to be had, and then the next ones.
func (c *choice) close(preferred []string) []string {
	c.take(slices.DeleteFunc(sorted(preferred), func(id string) bool { return !slices.Contains(c.of, id) }))
	c.take(c.after)
	return slices.Sorted(slices.Values(c.chosen))
}

// take takes of a list what is missing.
func (c *choice) take(ids []string) {
	for _, id := range ids {
		if c.open() && !slices.Contains(c.chosen, id) {
			c.chosen = append(c.chosen, id)
		}
	}
}

// free are the healthy ones that nobody has, sorted.
func (p pool) free() []string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(p.devices)) {
		if p.devices[id].Healthy && !p.taken[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// byAffinity parts devices in those near to the nodes that were chosen, those near to others, and those of which that is not known. Where
// nothing was chosen, or no device of the resource is near to anything, all are of the last kind.
func (p pool) byAffinity(free []string) (aligned, unaligned, anywhere []string) {
	if p.near == nil || !p.aligned() {
		return nil, nil, free
	}
	chosen := func(node int64) bool { return slices.Contains(p.near, int(node)) }
	for _, id := range free {
		switch nodes := p.devices[id].NUMA; {
		case len(nodes) == 0:
			anywhere = append(anywhere, id)
		case slices.ContainsFunc(nodes, chosen):
			aligned = append(aligned, id)
		default:
			unaligned = append(unaligned, id)
		}
	}
	return aligned, unaligned, anywhere
}

// aligned says whether any device of the resource is near to some node.
func (p pool) aligned() bool {
	for _, d := range p.devices {
		if len(d.NUMA) > 0 {
			return true
		}
	}
	return false
}

// sorted is what is in any of the lists, once.
func sorted(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}
