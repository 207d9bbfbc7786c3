package cpus

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"k8s.io/utils/cpuset"

	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// takeDistributed takes so many of the free CPUs evenly from as few NUMA nodes as have them, unit by unit: a unit is a core where only whole
// cores are given, and else a CPU. Where they cannot be had evenly, they are taken packed.
func takeDistributed(m *topology.Machine, free cpuset.CPUSet, count, unit int) (cpuset.CPUSet, error) {
	if count%unit != 0 {
		return takePacked(m, free, count, false)
	}
	t, err := begin(m, free, count)
	if err != nil || count == 0 {
		return cpuset.New(), err
	}
	d := &distribution{taking: t, unit: unit, nodes: t.groups(t.nodeDepth)}
	least, most := d.howMany()
	for n := least; n <= most; n++ {
		if best, found := d.best(n); found {
			err := d.carryOut(best)
			return d.taken, err
		}
	}
	return takePacked(m, free, count, false)
}

// distribution is CPUs being taken from several NUMA nodes.
type distribution struct {
	*taking
	unit int
	// nodes are the NUMA nodes with a free CPU.
	nodes []int
}

// share is from which nodes CPUs are taken: so many from each, and those that remain, unit by unit, from some.
type share struct {
	nodes []int
	each  int
	rest  []int
	// imbalance is how unlike the nodes of the machine are after that.
	imbalance float64
}

// howMany are the fewest and the most nodes from which the CPUs can be taken.
func (d *distribution) howMany() (least, most int) {
	up := func(a, b int) int { return (a-1)/b + 1 }
	needed := up(d.left, d.unit)
	perNode := up(up(len(d.machine.CPUs), d.unit), d.machine.Count(topology.NUMANodes))
	return up(needed, perNode), min(needed, len(d.nodes))
}

func (d *distribution) freeIn(node int) int {
	return d.machine.In(d.free, topology.NUMANodes, node).Size()
}

// best is how to take the CPUs from so many nodes so that these are left most alike; false if that cannot be.
func (d *distribution) best(n int) (best share, found bool) {
	best.imbalance = math.MaxFloat64
	for nodes := range topology.Choose(d.nodes, n) {
		if s, can := d.from(slices.Clone(nodes)); can && s.imbalance < best.imbalance {
			best, found = s, true
		}
	}
	return best, found
}

// from is how to take the CPUs from some nodes; false if they do not have them, or not evenly.
func (d *distribution) from(nodes []int) (s share, can bool) {
	s = share{nodes: nodes, each: d.left / len(nodes) / d.unit * d.unit, imbalance: math.MaxFloat64}
	units := 0
	for _, node := range nodes {
		units += d.freeIn(node) / d.unit
	}
	if units*d.unit < d.left {
		return s, false
	}
	after := map[int]int{}
	for _, node := range d.nodes {
		after[node] = d.freeIn(node)
	}
	for _, node := range nodes {
		if after[node] -= s.each; after[node] < 0 {
			return s, false
		}
	}
	d.rest(&s, after)
	return s, true
}

// rest chooses the nodes for what remains: as many as can be, so that the machine's are left most alike.
func (d *distribution) rest(s *share, after map[int]int) {
	remains := d.left - s.each*len(s.nodes)
	if remains == 0 {
		s.imbalance = deviation(after)
		return
	}
	var candidates []int
	for _, node := range s.nodes {
		if after[node] >= d.unit {
			candidates = append(candidates, node)
		}
	}
	for n := len(candidates); n >= 1; n-- {
		for some := range topology.Choose(candidates, n) {
			then := maps.Clone(after)
			if !d.spreadRest(then, some, remains) {
				continue
			}
			if imbalance := deviation(then); imbalance < s.imbalance {
				s.imbalance, s.rest = imbalance, slices.Clone(some)
			}
		}
	}
}

// spreadRest takes what remains from some nodes in turn, and says whether they have it.
func (d *distribution) spreadRest(after map[int]int, nodes []int, remains int) bool {
	for remains > 0 {
		before := remains
		for _, node := range nodes {
			if remains > 0 && after[node] >= d.unit {
				after[node], remains = after[node]-d.unit, remains-d.unit
			}
		}
		if remains == before {
			return false
		}
	}
	return true
}

// carryOut takes the CPUs as was decided.
func (d *distribution) carryOut(s share) error {
	for _, node := range s.nodes {
		s.each = min(s.each, d.freeIn(node)/d.unit*d.unit)
	}
	for _, node := range s.nodes {
		if err := d.takeFrom(node, s.each); err != nil {
			return err
		}
	}
	for d.left > 0 {
		before := d.left
		for _, node := range s.rest {
			if d.left > 0 && d.freeIn(node) >= d.unit {
				if err := d.takeFrom(node, d.unit); err != nil {
					return err
				}
			}
		}
		if d.left == before {
			return fmt.Errorf("accounting error, not enough CPUs allocated, remaining: %v", d.left)
		}
	}
	return nil
}

func (d *distribution) takeFrom(node, count int) error {
	some, err := takePacked(d.machine, d.machine.In(d.free, topology.NUMANodes, node), count, false)
	if err == nil {
		d.take(some)
	}
	return err
}

// deviation is the standard deviation of some numbers, to three digits, as is the mean that it is from.
func deviation(of map[int]int) float64 {
	round := func(x float64) float64 { return math.Round(x*1000) / 1000 }
	sum := 0
	for _, x := range of {
		sum += x
	}
	mean := round(float64(sum) / float64(len(of)))
	squares := 0.0
	for _, key := range slices.Sorted(maps.Keys(of)) {
		squares += (float64(of[key]) - mean) * (float64(of[key]) - mean)
	}
	return round(math.Sqrt(squares / float64(len(of))))
}
