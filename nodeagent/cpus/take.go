package cpus

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"k8s.io/utils/cpuset"

	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// taking is CPUs being taken of those that are free.
type taking struct {
	machine *topology.Machine
	free    cpuset.CPUSet
	taken   cpuset.CPUSet
	// left is how many are still to be taken.
	left int
	// levels are the groups of CPUs from the outermost to the innermost: NUMA nodes with sockets in them, or sockets with NUMA nodes in
	// them, and cores.
	levels []topology.Level
	// nodeDepth is where in that order NUMA nodes are.
	nodeDepth int
}

func begin(m *topology.Machine, free cpuset.CPUSet, count int) (*taking, error) {
	t := &taking{machine: m, free: free, taken: cpuset.New(), left: count}
	t.levels = []topology.Level{topology.NUMANodes, topology.Sockets, topology.Cores}
	if m.Count(topology.Sockets) < m.Count(topology.NUMANodes) {
		t.levels, t.nodeDepth = []topology.Level{topology.Sockets, topology.NUMANodes, topology.Cores}, 1
	}
	if count > free.Size() {
		return nil, fmt.Errorf("not enough cpus available to satisfy request: requested=%d, available=%d", count, free.Size())
	}
	return t, nil
}

var errTooFew = errors.New("failed to allocate cpus")

// takePacked takes so many of the free CPUs, close together: as many whole groups as there are, from the outermost to the innermost, and then
// single CPUs. Of groups those come first of which the least is free, and then those with lower numbers.
func takePacked(m *topology.Machine, free cpuset.CPUSet, count int, alignByCache bool) (cpuset.CPUSet, error) {
	t, err := begin(m, free, count)
	if err != nil {
		return cpuset.CPUSet{}, err
	}
	t.takeWhole(0)
	t.takeWhole(1)
	if alignByCache {
		t.takeCaches()
	}
	t.takeWhole(2)
	for _, cpu := range t.singles() {
		if t.left > 0 {
			t.take(cpuset.New(cpu))
		}
	}
	if t.left > 0 {
		return cpuset.CPUSet{}, errTooFew
	}
	return t.taken, nil
}

func (t *taking) take(set cpuset.CPUSet) {
	t.taken, t.free, t.left = t.taken.Union(set), t.free.Difference(set), t.left-set.Size()
}

// takeWhole takes groups of the level at some depth of which all CPUs are free, as long as the whole of one is wanted.
func (t *taking) takeWhole(depth int) {
	level := t.levels[depth]
	for _, group := range t.groups(depth) {
		t.takeIfWhole(level, group)
	}
}

func (t *taking) takeIfWhole(level topology.Level, group int) {
	whole := t.machine.In(t.machine.All(), level, group)
	if whole.IsSubsetOf(t.free) && t.left >= whole.Size() {
		t.take(whole)
	}
}

// groups are those of the level at some depth with a free CPU, in the order in which they are taken: by those that they are in, and then by
// how much of them is free, and by number.
func (t *taking) groups(depth int) []int {
	within := []cpuset.CPUSet{t.free}
	if depth > 0 {
		within = nil
		for _, outer := range t.groups(depth - 1) {
			within = append(within, t.machine.In(t.free, t.levels[depth-1], outer))
		}
	}
	return t.sorted(t.levels[depth], within)
}

// sorted are the groups of a level within some sets of CPUs, one set after the other.
func (t *taking) sorted(level topology.Level, within []cpuset.CPUSet) (all []int) {
	for _, set := range within {
		groups := t.machine.Groups(set, level)
		size := map[int]int{}
		for _, group := range groups {
			size[group] = t.machine.In(t.free, level, group).Size()
		}
		slices.SortFunc(groups, func(a, b int) int { return cmp.Or(cmp.Compare(size[a], size[b]), cmp.Compare(a, b)) })
		all = append(all, groups...)
	}
	return all
}

// singles are the free CPUs in the order in which they are taken one by one.
func (t *taking) singles() (all []int) {
	for _, core := range t.groups(2) {
		all = append(all, t.machine.In(t.free, topology.Cores, core).List()...)
	}
	return all
}

// takeCaches takes whole last-level caches, and then, if all that is left fits into one, that.
func (t *taking) takeCaches() {
	for _, cache := range t.caches() {
		if t.left >= t.machine.Each(topology.Caches) {
			for _, each := range t.caches() {
				t.takeIfWhole(topology.Caches, each)
			}
		}
		if t.left > 0 {
			t.takeWithin(cache)
		}
	}
}

// caches are those with a free CPU, by NUMA node, in the order in which they are taken.
func (t *taking) caches() []int {
	var within []cpuset.CPUSet
	for _, node := range t.groups(t.nodeDepth) {
		within = append(within, t.machine.In(t.free, topology.NUMANodes, node))
	}
	return t.sorted(topology.Caches, within)
}

// takeWithin takes all that is left from the cores of one cache, if there is as much. Where an odd number is left, one thread of the last core
// stays free.
func (t *taking) takeWithin(cache int) {
	perCore := t.machine.Each(topology.Cores)
	cores := t.machine.Groups(t.machine.In(t.free, topology.Caches, cache), topology.Cores)
	cores = cores[:min(len(cores), (t.left+perCore-1)/perCore)]
	fitting := t.machine.In(t.free, topology.Cores, cores...).List()
	if t.left%2 != 0 && perCore > 1 && len(fitting) > t.left {
		fitting = fitting[:len(fitting)-1]
	}
	if len(fitting) == t.left {
		t.take(cpuset.New(fitting...))
	}
}
