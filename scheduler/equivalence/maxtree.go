package equivalence

import "math"

// noTotal is the total of a node that takes no part.
const noTotal = math.MinInt64

// maxTree is a tree of totals: each place holds the highest total below it and how many nodes have that. Nodes are the
// leaves.
type maxTree struct {
	leaves int
	max    []int64
	count  []int32
}

func newMaxTree(nodes int) maxTree {
	leaves := 1
	for leaves < nodes {
		leaves *= 2
	}
	t := maxTree{leaves: leaves, max: make([]int64, 2*leaves), count: make([]int32, 2*leaves)}
	for i := range t.max {
		t.max[i] = noTotal
	}
	return t
}

// resize makes room for a number of nodes. Those beyond it must not take part any more.
func (t *maxTree) resize(nodes int) {
	if nodes <= t.leaves {
		return
	}
	larger := newMaxTree(nodes)
	copy(larger.max[larger.leaves:], t.max[t.leaves:])
	copy(larger.count[larger.leaves:], t.count[t.leaves:])
	for at := larger.leaves - 1; at > 0; at-- {
		larger.max[at], larger.count[at] = larger.join(at)
	}
	*t = larger
}

// set gives a node a total, or takes it out with none.
func (t *maxTree) set(node int, total int64) {
	at := t.leaves + node
	if t.max[at] == total {
		return
	}
	t.max[at], t.count[at] = total, 1
	if total == noTotal {
		t.count[at] = 0
	}
	for at /= 2; at > 0; at /= 2 {
		best, count := t.join(at)
		if t.max[at] == best && t.count[at] == count {
			return
		}
		t.max[at], t.count[at] = best, count
	}
}

func (t *maxTree) join(at int) (int64, int32) {
	left, right := 2*at, 2*at+1
	switch {
	case t.max[left] > t.max[right]:
		return t.max[left], t.count[left]
	case t.max[left] < t.max[right]:
		return t.max[right], t.count[right]
	}
	return t.max[left], t.count[left] + t.count[right]
}

// ties returns how many nodes have the best total.
func (t *maxTree) ties() int { return int(t.count[1]) }

// tied returns one of the nodes with the best total, by its rank among them.
func (t *maxTree) tied(rank int) int {
	at := 1
	for at < t.leaves {
		best := t.max[at]
		at *= 2
		if t.max[at] != best {
			at++
		} else if left := int(t.count[at]); rank >= left {
			rank -= left
			at++
		}
	}
	return at - t.leaves
}

// top appends the nodes with the highest totals, best first, up to a number of them.
func (t *maxTree) top(to []int, number int) []int {
	open := []int{1} // Places that may hold the next one; the best of them is the next one's.
	for len(to) < number && len(open) > 0 {
		next := 0
		for i := range open {
			if t.max[open[i]] > t.max[open[next]] {
				next = i
			}
		}
		at := open[next]
		if t.max[at] == noTotal {
			break
		}
		if at >= t.leaves {
			to = append(to, at-t.leaves)
			open[next] = open[len(open)-1]
			open = open[:len(open)-1]
			continue
		}
		open[next] = 2 * at
		open = append(open, 2*at+1)
	}
	return to
}
