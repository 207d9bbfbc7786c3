package framework

import fwk "k8s.io/kube-scheduler/framework"

// Nominations tells which nodes pods are nominated to, and since when. A nominator that is one too lets verdicts on
// nodes be kept although others are nominated to some of them.
type Nominations interface {
	// NominationsVersion returns a number that grows with every change.
	NominationsVersion() int64
	// NominationVersion returns the version of the last change at a node, or 0 where no pod is nominated to it.
	NominationVersion(node string) int64
	// VisitNominations calls visit for each node with nominated pods and the version of the last change there.
	VisitNominations(visit func(node string, version int64, pods []fwk.PodInfo))
}

// Nominations returns the nominator's view by nodes, if it has one.
func (f *Framework) Nominations() (Nominations, bool) {
	nominations, ok := f.PodNominator.(Nominations)
	return nominations, ok
}
