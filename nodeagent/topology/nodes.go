package topology

import (
	"iter"
	"math/bits"
)

// Nodes is a set of NUMA nodes, whose IDs are below 64. Where a set is a choice, the empty one stands for none having been made.
type Nodes uint64

// NodesOf is the set of some nodes.
func NodesOf(ids ...int) (nodes Nodes) {
	for _, id := range ids {
		nodes |= 1 << id
	}
	return nodes
}

// Has says whether a node is in the set.
func (n Nodes) Has(id int) bool { return id >= 0 && id < 64 && n>>id&1 == 1 }

// Count is how many there are.
func (n Nodes) Count() int { return bits.OnesCount64(uint64(n)) }

// IDs are those of the nodes, in order.
func (n Nodes) IDs() []int {
	ids := make([]int, 0, n.Count())
	for left := uint64(n); left != 0; left &= left - 1 {
		ids = append(ids, bits.TrailingZeros64(left))
	}
	return ids
}

// Narrower says whether a set has fewer nodes than another, or as many of which the last one in which they differ is the other's.
func (n Nodes) Narrower(other Nodes) bool {
	if n.Count() != other.Count() {
		return n.Count() < other.Count()
	}
	return n < other
}

// Subsets are those of some nodes but the empty one, the smaller ones first.
func Subsets(ids []int) iter.Seq[Nodes] {
	return func(yield func(Nodes) bool) {
		for size := 1; size <= len(ids); size++ {
			for subset := range Choose(ids, size) {
				if !yield(NodesOf(subset...)) {
					return
				}
			}
		}
	}
}

// Choose are all ways to take so many of some IDs, in the order in which these are given. What is yielded is not to be kept.
func Choose(ids []int, size int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		var extend func(from int, chosen []int) bool
		extend = func(from int, chosen []int) bool {
			if len(chosen) == size {
				return yield(chosen)
			}
			for i := from; i <= len(ids)-(size-len(chosen)); i++ {
				if !extend(i+1, append(chosen, ids[i])) {
					return false
				}
			}
			return true
		}
		extend(0, make([]int, 0, size))
	}
}
