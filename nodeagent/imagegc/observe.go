package imagegc

import (
	"context"
	"fmt"
	"maps"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/framework/engine"
)

// World is all that a decision needs.
type World struct {
	policy
	// Images are all that the runtime has, by ID, and InUse says of which a container is made or has mounted.
	Images map[string]*runtimeapi.Image
	InUse  map[string]bool
	// Capacity and Available are of the file system of images, in bytes.
	Capacity, Available int64
	// Began is when the collector did.
	Began time.Time
	Seen  sightings
}

// sightings are the images that were seen, by ID.
type sightings map[string]sighting

// sighting is when an image was seen first, and when it was last seen in use; the zero time if it never was.
type sighting struct{ first, used time.Time }

// and are both.
func (s sightings) and(more sightings) sightings {
	all := sightings{}
	maps.Copy(all, s)
	for id, m := range more {
		if known, already := all[id]; already {
			if known.first.Before(m.first) {
				m.first = known.first
			}
			if known.used.After(m.used) {
				m.used = known.used
			}
		}
		all[id] = m
	}
	return all
}

// Observe reads which images there are, and who uses them.
func (c *Collector) Observe(ctx context.Context, look engine.Look, _ extent) (World, error) {
	w := World{policy: c.policy, Began: c.began, Images: map[string]*runtimeapi.Image{}, Seen: sightings{}}
	for _, each := range []extent{needed, everything} {
		remembered, _ := look.Remembered(each).(sightings)
		w.Seen = w.Seen.and(remembered)
	}
	images, err := c.Runtime.ListImages(ctx, nil)
	if err != nil {
		return World{}, fmt.Errorf("listing images: %w", err)
	}
	for _, image := range images {
		w.Images[image.GetId()] = image
	}
	if w.InUse, err = c.inUse(ctx); err != nil {
		return World{}, err
	}
	node, _, err := c.Stats.NodeStats(ctx)
	if err != nil {
		return World{}, fmt.Errorf("measuring the file system of images: %w", err)
	}
	if node.Runtime != nil && node.Runtime.ImageFs != nil {
		w.Capacity, w.Available = value(node.Runtime.ImageFs.CapacityBytes), value(node.Runtime.ImageFs.AvailableBytes)
	}
	return w, nil
}

// inUse are the images of containers, whether they run or not, and those that they have mounted.
func (c *Collector) inUse(ctx context.Context) (map[string]bool, error) {
	used := map[string]bool{}
	containers, err := c.Runtime.ListContainers(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("listing containers: %w", err)
	}
	for _, container := range containers {
		used[container.GetImageId()], used[container.GetImageRef()], used[container.GetImage().GetImage()] = true, true, true
		response, err := c.Runtime.ContainerStatus(ctx, container.GetId(), false)
		if err != nil {
			return nil, fmt.Errorf("reading container %s: %w", container.GetId(), err)
		}
		for _, mount := range response.GetStatus().GetMounts() {
			if mount.GetImage() != nil {
				used[mount.GetImage().GetImage()] = true
			}
		}
	}
	return used, nil
}

func value(v *uint64) int64 {
	if v == nil {
		return 0
	}
	return int64(*v)
}
