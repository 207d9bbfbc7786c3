package nodeinfo

import (
	"maps"
	"slices"

	fwk "k8s.io/kube-scheduler/framework"
)

// Snapshot returns an independent copy. In its images only size and number of nodes are set.
func (n *NodeInfo) Snapshot() fwk.NodeInfo { return n.Clone() }

// Clone is Snapshot with the concrete type. Any number of goroutines can clone the same NodeInfo.
func (n *NodeInfo) Clone() *NodeInfo {
	copied := *n
	copied.own()
	copied.images, copied.frozen = n.images, frozenImages{}
	for _, image := range n.images {
		if image.Nodes != nil { // Otherwise they are copies already.
			copied.images = freeze(n.images)
		}
		break
	}
	return &copied
}

// CopyTo overwrites another NodeInfo with a copy that shares what is not written to before one of the two changes. The
// version is that of the counts in the images: while it is the same, the images need not be copied again.
//
// Unlike Clone it writes to n, and so it belongs to the owner of n.
func (n *NodeInfo) CopyTo(other *NodeInfo, imagesVersion int64) {
	if len(n.images) > 0 && (n.frozen.images == nil || n.frozen.version != imagesVersion) {
		n.frozen = frozenImages{images: freeze(n.images), version: imagesVersion}
	}
	n.shared = true
	number := other.number
	*other = *n
	other.number = number
	other.images, other.frozen = n.frozen.images, frozenImages{}
	other.pods = slices.Clip(n.pods)
	other.withAffinity = slices.Clip(n.withAffinity)
	other.requiredAntiAffinity = slices.Clip(n.requiredAntiAffinity)
}

// frozenImages are images as they were at some version of their counts.
type frozenImages struct {
	images  map[string]*fwk.ImageStateSummary
	version int64
}

func freeze(images map[string]*fwk.ImageStateSummary) map[string]*fwk.ImageStateSummary {
	frozen := make(map[string]*fwk.ImageStateSummary, len(images))
	for name, image := range images {
		frozen[name] = image.Snapshot()
	}
	return frozen
}

// unshare gives the NodeInfo lists and maps of its own, if it shares them.
func (n *NodeInfo) unshare() {
	if n.shared {
		n.own()
	}
}

func (n *NodeInfo) own() {
	n.pods = slices.Clone(n.pods)
	n.withAffinity = slices.Clone(n.withAffinity)
	n.requiredAntiAffinity = slices.Clone(n.requiredAntiAffinity)
	n.ports = n.ports.clone()
	n.claims = maps.Clone(n.claims)
	n.requested = *n.requested.Clone()
	n.nonZeroRequested = *n.nonZeroRequested.Clone()
	n.shared = false
}

// writesMaps reports whether counting a pod writes to what a copy may share.
func (n *NodeInfo) writesMaps(pod fwk.PodInfo, usage fwk.PodResource) bool {
	if len(usage.Resource.GetScalarResources()) > 0 || len(HostPorts(pod.GetPod())) > 0 {
		return true
	}
	return slices.ContainsFunc(pod.GetPod().Spec.Volumes, isClaim)
}
