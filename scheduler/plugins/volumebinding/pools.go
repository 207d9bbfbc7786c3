package volumebinding

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// pools are the parts of a driver's storage that have room for a volume, found by the nodes that can reach them. Most
// name those by one label, which is why they are kept by a label: not every pool has to be tried for every node.
type pools struct {
	labelled map[string]map[string][]*storagev1.CSIStorageCapacity // by key and value of one of the labels
	others   []*storagev1.CSIStorageCapacity                       // without labels, but perhaps with expressions
}

func newPools(capacities []*storagev1.CSIStorageCapacity, class string, size int64) *pools {
	p := &pools{labelled: map[string]map[string][]*storagev1.CSIStorageCapacity{}}
	for _, capacity := range capacities {
		if capacity.StorageClassName == class && capacity.NodeTopology != nil && hasRoom(capacity, size) {
			p.add(capacity)
		}
	}
	return p
}

func (p *pools) add(capacity *storagev1.CSIStorageCapacity) {
	key, value, labelled := firstLabel(capacity.NodeTopology.MatchLabels)
	if !labelled {
		p.others = append(p.others, capacity)
		return
	}
	if p.labelled[key] == nil {
		p.labelled[key] = map[string][]*storagev1.CSIStorageCapacity{}
	}
	p.labelled[key][value] = append(p.labelled[key][value], capacity)
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
	best := largest(nil, p.others, node)
	for key, byValue := range p.labelled {
		if value, labelled := node.Labels[key]; labelled {
			best = largest(best, byValue[value], node)
		}
	}
	return best
}

func largest(best *storagev1.CSIStorageCapacity, pools []*storagev1.CSIStorageCapacity, node *corev1.Node) *storagev1.CSIStorageCapacity {
	for _, pool := range pools {
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
