package imagegc

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
)

// extent is how much is collected.
type extent string

const (
	// needed is what the settings say.
	needed extent = "needed"
	// everything is all that may go.
	everything extent = "everything"
)

// decide makes the plan. It is pure.
func decide(much extent, w *World, now time.Time) *engine.Plan[*Collector] {
	d := &decision{World: w, now: now, plan: &engine.Plan[*Collector]{}}
	seen := d.look()
	d.plan.Remember(func(error) any { return seen })
	d.unused = d.candidates(seen)
	switch {
	case much == everything:
		d.free(math.MaxInt64, "the node runs out of disk")
	case d.high == 100 && d.maxAge == 0:
		d.plan.Because("images are removed neither for their age nor for their space")
	default:
		d.removeOld()
		d.freeSpace()
	}
	return d.plan
}

// decision is a plan in the making.
type decision struct {
	*World
	now  time.Time
	plan *engine.Plan[*Collector]
	// unused are the images that may go, the first first.
	unused []candidate
}

// candidate is an image that nobody uses.
type candidate struct {
	id, name, handler string
	size              int64
	sighting
}

// look notes which images there are now, and which are in use.
func (d *decision) look() sightings {
	seen := sightings{}
	for id := range d.Images {
		s, known := d.Seen[id]
		if !known {
			s.first = d.now
		}
		if d.used(id) {
			s.used = d.now
		}
		seen[id] = s
	}
	return seen
}

// used says whether a container has the image: by its ID, or by one of its names.
func (d *decision) used(id string) bool {
	image := d.Images[id]
	inUse := func(name string) bool { return d.InUse[name] }
	return d.InUse[id] || slices.ContainsFunc(image.GetRepoTags(), inUse) || slices.ContainsFunc(image.GetRepoDigests(), inUse)
}

// candidates are those that were used longest ago first, and of these those that were seen first.
func (d *decision) candidates(seen sightings) (found []candidate) {
	for id, image := range d.Images {
		if !d.used(id) && !image.GetPinned() {
			found = append(found, candidate{
				id: id, name: nameOf(image), handler: image.GetSpec().GetRuntimeHandler(), size: int64(image.GetSize()), sighting: seen[id],
			})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(a.used.Compare(b.used), a.first.Compare(b.first), cmp.Compare(a.id, b.id))
	})
	return found
}

// removeOld removes images that were not used for the maximum age. An agent that was started later than that cannot tell.
func (d *decision) removeOld() {
	if d.maxAge == 0 || d.now.Sub(d.Began) <= d.maxAge {
		return
	}
	var old, rest []candidate
	for _, c := range d.unused {
		if d.now.Sub(c.used) > d.maxAge {
			old = append(old, c)
		} else {
			rest = append(rest, c)
		}
	}
	d.unused = rest
	d.remove(old, forAge, fmt.Sprintf("not used for %s", d.maxAge))
}

// freeSpace removes images when their file system is too full.
func (d *decision) freeSpace() {
	if d.Capacity == 0 {
		d.plan.Do(&fail{"InvalidDiskCapacity", "invalid capacity 0 on image filesystem"})
		return
	}
	available := min(d.Available, d.Capacity)
	usage := 100 - available*100/d.Capacity
	if usage < d.high {
		d.plan.Because(fmt.Sprintf("the file system of images is %d%% full, of %d%%", usage, d.high))
		return
	}
	wanted := d.Capacity*(100-d.low)/100 - available
	freed := d.free(wanted, fmt.Sprintf("the file system of images is %d%% full, at most %d%% wanted", usage, d.high))
	if freed < wanted {
		d.plan.Do(&fail{"FreeDiskSpaceFailed", fmt.Sprintf("Insufficient free disk space on the node's image filesystem (%d%% of %s used). "+
			"Failed to free sufficient space by deleting unused images (freed %d bytes). "+
			"Investigate disk usage, as it could be used by active images, logs, volumes, or other data.", usage, size(d.Capacity), freed)})
	}
}

// free removes images until so many bytes are free, and says how many are.
func (d *decision) free(wanted int64, why string) (freed int64) {
	var chosen []candidate
	for _, c := range d.unused {
		if freed >= wanted {
			break
		}
		if d.now.Sub(c.first) >= d.minAge {
			chosen, freed = append(chosen, c), freed+c.size
		}
	}
	d.remove(chosen, forSpace, why)
	return freed
}

func (d *decision) remove(images []candidate, reason, why string) {
	if len(images) > 0 {
		d.plan.Do(&removeImages{images, reason, why})
	}
}

// size is for people.
func size(bytes int64) string {
	units := []string{"KiB", "MiB", "GiB", "TiB"}
	if bytes < 1024 {
		return fmt.Sprintf("%d B", bytes)
	}
	value, unit := float64(bytes)/1024, 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
