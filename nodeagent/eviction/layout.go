package eviction

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/stats"
)

// part is something that a pod has on the disk.
type part int

const (
	writableLayers part = iota
	containerLogs
	localVolumes
)

// reclaimable is what the node gives up before it evicts a pod.
type reclaimable struct{ containers, images bool }

// in adds to the thresholds those that the node's disks ask for. Of the file system of containers the kubelet believes no settings: it
// has the thresholds of the file system that it is on.
func (c *config) in(l stats.Layout) []Threshold {
	bytes, nodes := nodeFsAvailable, nodeFsInodesFree
	if l.DedicatedImageFs && !l.SplitContainerFs {
		bytes, nodes = imageFsAvailable, imageFsInodesFree
	}
	var all []Threshold
	for _, t := range c.thresholds {
		if t.Signal != containerFsAvailable && t.Signal != containerFsInodesFree {
			all = append(all, t)
		}
	}
	for _, t := range all {
		switch t.Signal {
		case bytes:
			t.Signal = containerFsAvailable
		case nodes:
			t.Signal = containerFsInodesFree
		default:
			continue
		}
		all = append(all, t)
	}
	return all
}

// partsOn are what pods have on the file system that a signal is about.
func partsOn(s Signal, l stats.Layout) []part {
	switch {
	case !l.DedicatedImageFs:
		return []part{writableLayers, containerLogs, localVolumes}
	case s == imageFsAvailable || s == imageFsInodesFree:
		if l.SplitContainerFs {
			return nil
		}
		return []part{writableLayers}
	case l.SplitContainerFs:
		return []part{containerLogs, localVolumes, writableLayers}
	case s == containerFsAvailable || s == containerFsInodesFree:
		return []part{writableLayers}
	default:
		return []part{containerLogs, localVolumes}
	}
}

// reclaimableOn is what can be given up on the file system that a signal is about; nothing for a signal about anything else.
func reclaimableOn(s Signal, l stats.Layout) reclaimable {
	onImageFs := s == imageFsAvailable || s == imageFsInodesFree
	onNodeFs := s == nodeFsAvailable || s == nodeFsInodesFree
	switch {
	case s.condition() != corev1.NodeDiskPressure:
		return reclaimable{}
	case !l.DedicatedImageFs:
		return reclaimable{containers: true, images: true}
	case l.SplitContainerFs:
		return reclaimable{containers: !onImageFs, images: onImageFs}
	case onNodeFs:
		return reclaimable{}
	default:
		return reclaimable{containers: true, images: true}
	}
}
