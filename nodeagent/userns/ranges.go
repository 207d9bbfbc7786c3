package userns

import (
	"fmt"
	"hash/fnv"
	"sync"
)

// DefaultIDsPerPod is how many IDs a pod gets; the kubelet's default. Every number of IDs is a multiple of it.
const DefaultIDsPerPod = 1 << 16

// Range is IDs of the host, from the first on.
type Range struct{ First, Length uint32 }

// end is the first ID after the range, which may be one that there is not.
func (r Range) end() uint64 { return uint64(r.First) + uint64(r.Length) }

func (r Range) overlaps(other Range) bool {
	return uint64(r.First) < other.end() && uint64(other.First) < r.end()
}

// all are as many IDs as pods of that length can have, without the first ones.
func all(perPod uint32) Range {
	const ids = 1 << 32
	return Range{perPod, uint32((ids-uint64(perPod))/uint64(perPod)) * perPod}
}

// Ranges are those of the pods of a node. It is safe for concurrent use.
type Ranges struct {
	node   Range
	perPod uint32

	mu    sync.Mutex
	taken map[string]Range
}

// New returns ranges of so many IDs out of those of a node, which must be enough for its pods.
func New(node Range, perPod int64, pods int) (*Ranges, error) {
	switch length := uint32(perPod); {
	case perPod <= 0 || perPod >= 1<<32 || perPod%DefaultIDsPerPod != 0:
		return nil, fmt.Errorf("%d IDs for each pod: want a multiple of %d", perPod, DefaultIDsPerPod)
	case node.First < length: // among them would be root's
		return nil, fmt.Errorf("the node's IDs begin at %d: want %d or more", node.First, length)
	case node.First%length != 0 || node.Length%length != 0:
		return nil, fmt.Errorf("the node has %d IDs from %d on: want multiples of %d", node.Length, node.First, length)
	case int64(node.Length/length) < int64(pods):
		return nil, fmt.Errorf("the node has %d IDs, which is not enough for %d pods with %d each", node.Length, pods, length)
	default:
		return &Ranges{node: node, perPod: length, taken: map[string]Range{}}, nil
	}
}

// Take gives a pod a range. It begins to look at a place that follows from the pod: nodes that share a machine do not know of each
// other's pods, and so seldom take the same.
func (r *Ranges) Take(pod string) (Range, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if taken, ok := r.taken[pod]; ok {
		return taken, nil
	}
	hash := fnv.New32a()
	hash.Write([]byte(pod)) // which never fails
	places := r.node.Length / r.perPod
	for i := range places {
		free := Range{r.node.First + (hash.Sum32()%places+i)%places*r.perPod, r.perPod}
		if !r.isTaken(free) {
			r.taken[pod] = free
			return free, nil
		}
	}
	return Range{}, fmt.Errorf("all %d ranges of IDs are taken", places)
}

func (r *Ranges) isTaken(candidate Range) bool {
	for _, taken := range r.taken {
		if taken.overlaps(candidate) {
			return true
		}
	}
	return false
}

// Record says that a pod has a range already. One that overlaps another pod's is an error: those pods would not be kept apart.
func (r *Ranges) Record(pod string, has Range) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if uint64(has.First) < uint64(DefaultIDsPerPod) || has.Length == 0 || has.end() > 1<<32 {
		return fmt.Errorf("pod %s has %d IDs from %d on: these cannot be a pod's", pod, has.Length, has.First)
	}
	for other, taken := range r.taken {
		if other != pod && taken.overlaps(has) {
			return fmt.Errorf("pods %s and %s have the same IDs, from %d on", pod, other, has.First)
		}
	}
	r.taken[pod] = has
	return nil
}

// Release gives back the range of a pod, if it has one.
func (r *Ranges) Release(pod string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.taken, pod)
}
