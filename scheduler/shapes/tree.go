package shapes

import "math"

// none is the total of a node that takes no part.
const none = math.MinInt64

// tree is a tournament of totals: each place holds the best total below it and how many nodes have it. Nodes are the
// leaves.
type tree struct {
	leaves int
	best   []int64
	count  []int32
}

func newTree(nodes int) tree {
	leaves := 1
	for leaves < nodes {
		leaves *= 2
	}
	t := tree{leaves: leaves, best: make([]int64, 2*leaves), count: make([]int32, 2*leaves)}
	for i := range t.best {
		t.best[i] = none
	}
	return t
}

// resize makes room for a number of nodes. Those beyond it must not take part any more.
func (t *tree) resize(nodes int) {
	if nodes <= t.leaves {
		return
	}
	larger := newTree(nodes)
	copy(larger.best[larger.leaves:], t.best[t.leaves:])
	copy(larger.count[larger.leaves:], t.count[t.leaves:])
	for at := larger.leaves - 1; at > 0; at-- {
		larger.best[at], larger.count[at] = larger.join(at)
	}
	*t = larger
}

// set gives a node a total, or takes it out with none.
func (t *tree) set(node int, total int64) {
	at := t.leaves + node
	if t.best[at] == total {
		return
	}
	t.best[at], t.count[at] = total, 1
	if total == none {
		t.count[at] = 0
	}
	for at /= 2; at > 0; at /= 2 {
		best, count := t.join(at)
		if t.best[at] == best && t.count[at] == count {
			return
		}
		t.best[at], t.count[at] = best, count
	}
}

func (t *tree) join(at int) (int64, int32) {
	left, right := 2*at, 2*at+1
	switch {
	case t.best[left] > t.best[right]:
		return t.best[left], t.count[left]
	case t.best[left] < t.best[right]:
		return t.best[right], t.count[right]
	}
	return t.best[left], t.count[left] + t.count[right]
}

// winners returns how many nodes have the best total.
func (t *tree) winners() int { return int(t.count[1]) }

// winner returns one of the nodes with the best total, by its rank among them.
func (t *tree) winner(rank int) int {
	at := 1
	for at < t.leaves {
		best := t.best[at]
		at *= 2
		if t.best[at] != best {
			at++
		} else if left := int(t.count[at]); rank >= left {
			rank -= left
			at++
		}
	}
	return at - t.leaves
}

// top appends the nodes with the highest totals, best first, up to a number of them.
func (t *tree) top(to []int, number int) []int {
	open := []int{1} // Places that may hold the next one; the best of them is the next one's.
	for len(to) < number && len(open) > 0 {
		next := 0
		for i := range open {
			if t.best[open[i]] > t.best[open[next]] {
				next = i
			}
		}
		at := open[next]
		if t.best[at] == none {
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
