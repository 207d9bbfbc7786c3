package topologycount

import (
	fwk "k8s.io/kube-scheduler/framework"
)

// Refusals are the statuses with which a plugin refuses nodes, numbered from 1.
type Refusals []Refusal

// Refusal is a reason, and whether the departure of pods could help.
type Refusal struct {
	Code   fwk.Code
	Reason string
}

// Status returns the status of a number, and nil for 0, which is a node that will do.
func (r Refusals) Status(number uint8) *fwk.Status {
	if number == 0 {
		return nil
	}
	return fwk.NewStatus(r[number-1].Code, r[number-1].Reason)
}

// Statuses returns all of them in their order.
func (r Refusals) Statuses() []*fwk.Status {
	statuses := make([]*fwk.Status, len(r))
	for i := range r {
		statuses[i] = r.Status(uint8(i + 1))
	}
	return statuses
}

// FilterAll sets the number of each node's refusal to what filter says of it.
func (s *Snapshot) FilterAll(nodes []fwk.NodeInfo, refused []uint8, filter func(ref NodeRef, node fwk.NodeInfo) uint8) {
	refs := s.Refs(nodes)
	for number, node := range nodes {
		refused[number] = filter(refs.At(number), node)
	}
}

// ScoreAll sets the scores of some nodes, named by their ref among all, to what score says of each.
func (s *Snapshot) ScoreAll(nodes []fwk.NodeInfo, numbers []int32, scores fwk.NodeScoreList, score func(ref NodeRef, node fwk.NodeInfo) int64) {
	refs := s.Refs(nodes)
	for i, number := range numbers {
		scores[i].Score = score(refs.At(int(number)), nodes[number])
	}
}
