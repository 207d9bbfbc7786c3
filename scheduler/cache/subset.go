package cache

import (
	"slices"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// subset is some of the nodes, by rising number.
type subset struct {
	numbers []int
	nodes   []fwk.NodeInfo
}

// set makes a node a member, or takes it out.
func (s *subset) set(number int, info *nodeinfo.NodeInfo, member bool) {
	if !member && len(s.numbers) == 0 {
		return
	}
	at, found := slices.BinarySearch(s.numbers, number)
	switch {
	case member && !found:
		s.numbers = slices.Insert(s.numbers, at, number)
		s.nodes = slices.Insert(s.nodes, at, fwk.NodeInfo(info))
	case !member && found:
		s.numbers = slices.Delete(s.numbers, at, at+1)
		s.nodes = slices.Delete(s.nodes, at, at+1)
	}
}
