package equivalence

import fwk "k8s.io/kube-scheduler/framework"

// feasible are the nodes that fit, in no order.
type feasible struct {
	nodes   []fwk.NodeInfo
	numbers []int32
	place   []int32 // by number; only of those that fit
}

func newFeasible(nodes int) feasible { return feasible{place: make([]int32, nodes)} }

func (f *feasible) add(number int, node fwk.NodeInfo) {
	f.place[number] = int32(len(f.numbers))
	f.nodes = append(f.nodes, node)
	f.numbers = append(f.numbers, int32(number))
}

// update replaces the NodeInfo of a node that fits.
func (f *feasible) update(number int, node fwk.NodeInfo) { f.nodes[f.place[number]] = node }

// resize makes room for other numbers; those beyond it must not be there any more.
func (f *feasible) resize(nodes int) { f.place = resized(f.place, nodes) }

// remove moves the last one into the gap.
func (f *feasible) remove(number int) {
	place, last := f.place[number], len(f.numbers)-1
	moved := f.numbers[last]
	f.numbers[place], f.nodes[place], f.place[moved] = moved, f.nodes[last], place
	f.nodes[last] = nil
	f.nodes, f.numbers = f.nodes[:last], f.numbers[:last]
}
