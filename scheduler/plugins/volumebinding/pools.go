package volumebinding

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// pools are the parts of a driver's storage that have room for a volume.
type pools struct {
	nearby[*storagev1.CSIStorageCapacity]
}

func newPools(capacities []*storagev1.CSIStorageCapacity, class string, size int64) *pools {
	p := &pools{}
	for _, capacity := range capacities {
		if capacity.StorageClassName != class || capacity.NodeTopology == nil || !hasRoom(capacity, size) {
			continue
		}
		if key, value, labelled := firstLabel(capacity.NodeTopology.MatchLabels); labelled {
			p.addAt(key, []string{value}, capacity)
		} else {
			p.addAnywhere(capacity)
		}
	}
	return p
}

// firstLabel returns the first label by key, so that alike pools are kept by the same key.
func firstLabel(all map[string]string) (key, value string, labelled bool) {
	for k := range all {
		if !labelled || k < key {
			key, labelled = k, true
		}
	}
	return key, all[key], labelled
}

// reachable returns the largest of the pools that the node can reach, or nil.
func (p *pools) reachable(node *corev1.Node) *storagev1.CSIStorageCapacity {
	var best *storagev1.CSIStorageCapacity
	for _, pool := range p.of(node) {
		if best != nil && !larger(pool, best) {
			continue
		}
		// A selector that cannot be parsed matches nothing.
		selector, err := metav1.LabelSelectorAsSelector(pool.NodeTopology)
		if err == nil && selector.Matches(labels.Set(node.Labels)) {
			best = pool
		}
	}
	return best
}

// larger decides between equals by name: which of them is chosen must not depend on chance.
func larger(a, b *storagev1.CSIStorageCapacity) bool {
	if x, y := room(a), room(b); x != y {
		return x > y
	}
	return a.Namespace+"/"+a.Name < b.Namespace+"/"+b.Name
}

func room(pool *storagev1.CSIStorageCapacity) int64 {
	if pool.Capacity == nil {
		return 0
	}
	return pool.Capacity.Value()
}

func hasRoom(pool *storagev1.CSIStorageCapacity, size int64) bool {
	limit := largestVolume(pool)
	return limit != nil && limit.Value() >= size
}

// largestVolume is how large a volume from the pool can be, as exactly as the driver says. Nil: it says nothing.
func largestVolume(pool *storagev1.CSIStorageCapacity) *resource.Quantity {
	if pool.MaximumVolumeSize != nil {
		return pool.MaximumVolumeSize
	}
	return pool.Capacity
}
