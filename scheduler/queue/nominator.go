package queue

import (
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// Nominator remembers which pending pods are meant for which node, so that others leave them their place. It is safe for
// concurrent use.
type Nominator struct {
	assigned func(*corev1.Pod) bool
	mutex    sync.RWMutex
	byNode   map[string][]fwk.PodInfo
	nodeOf   map[types.UID]string
	version  int64
	changed  map[string]int64 // the version of the last change, by node; as many as byNode has
}

// NewNominator returns a Nominator of no pods. assigned reports whether a pod is assigned to a node or gone, which ends its
// nomination; nil means never.
func NewNominator(assigned func(pod *corev1.Pod) bool) *Nominator {
	if assigned == nil {
		assigned = func(*corev1.Pod) bool { return false }
	}
	return &Nominator{
		assigned: assigned,
		byNode:   map[string][]fwk.PodInfo{},
		nodeOf:   map[types.UID]string{},
		changed:  map[string]int64{},
	}
}

// AddNominatedPod nominates a pod to the node that nominating names or, where that says nothing, to the one in the pod's
// status. An earlier nomination ends.
func (n *Nominator) AddNominatedPod(_ klog.Logger, pod fwk.PodInfo, nominating *fwk.NominatingInfo) {
	node := pod.GetPod().Status.NominatedNodeName
	if nominating.Mode() == fwk.ModeOverride {
		node = nominating.NominatedNodeName
	}
	if node != "" && n.assigned(pod.GetPod()) {
		node = ""
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.set(pod, node)
}

// UpdateNominatedPod replaces a pod. A nomination that neither the old nor the new status shows was made here, is on its
// way to the API server, and stays.
func (n *Nominator) UpdateNominatedPod(logger klog.Logger, old *corev1.Pod, new fwk.PodInfo) {
	if old.Status.NominatedNodeName != "" || new.GetPod().Status.NominatedNodeName != "" {
		n.AddNominatedPod(logger, new, nil)
		return
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.set(new, n.nodeOf[old.UID])
}

// DeleteNominatedPodIfExists ends a pod's nomination.
func (n *Nominator) DeleteNominatedPodIfExists(pod *corev1.Pod) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.remove(pod.UID)
}

// NominatedPodsForNode returns the pods that are nominated to a node.
func (n *Nominator) NominatedPodsForNode(node string) []fwk.PodInfo {
	n.mutex.RLock()
	defer n.mutex.RUnlock()
	return slices.Clone(n.byNode[node])
}

// NominatedNode returns the node that a pod is nominated to, or "".
func (n *Nominator) NominatedNode(uid types.UID) string {
	n.mutex.RLock()
	defer n.mutex.RUnlock()
	return n.nodeOf[uid]
}

// NominationsVersion returns a number that grows with every change of a nomination.
func (n *Nominator) NominationsVersion() int64 {
	n.mutex.RLock()
	defer n.mutex.RUnlock()
	return n.version
}

// NominationVersion returns the version of the last change of the nominations to a node, or 0 where there are none.
func (n *Nominator) NominationVersion(node string) int64 {
	n.mutex.RLock()
	defer n.mutex.RUnlock()
	return n.changed[node]
}

// VisitNominations calls visit for each node that pods are nominated to, with the version of the last change there. The
// pods are valid during the call, in which nothing can be nominated.
func (n *Nominator) VisitNominations(visit func(node string, version int64, pods []fwk.PodInfo)) {
	n.mutex.RLock()
	defer n.mutex.RUnlock()
	for node, pods := range n.byNode {
		visit(node, n.changed[node], pods)
	}
}

func (n *Nominator) set(pod fwk.PodInfo, node string) {
	uid := pod.GetPod().UID
	n.remove(uid)
	if node != "" {
		n.byNode[node] = append(n.byNode[node], pod)
		n.nodeOf[uid] = node
		n.version++
		n.changed[node] = n.version
	}
}

func (n *Nominator) remove(uid types.UID) {
	node, found := n.nodeOf[uid]
	if !found {
		return
	}
	delete(n.nodeOf, uid)
	n.byNode[node] = slices.DeleteFunc(n.byNode[node], func(pod fwk.PodInfo) bool { return pod.GetPod().UID == uid })
	n.version++
	n.changed[node] = n.version
	if len(n.byNode[node]) == 0 {
		delete(n.byNode, node)
		delete(n.changed, node)
	}
}
