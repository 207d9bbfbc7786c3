package nodeinfo

import (
	corev1 "k8s.io/api/core/v1"
	ndf "k8s.io/component-helpers/nodedeclaredfeatures"
	fwk "k8s.io/kube-scheduler/framework"
)

// Node returns the node, or nil while it is not known.
func (n *NodeInfo) Node() *corev1.Node {
	if n == nil {
		return nil
	}
	return n.node
}

// GetPods returns the pods on the node, in no order.
func (n *NodeInfo) GetPods() []fwk.PodInfo { return n.pods }

// GetPodsWithAffinity returns the pods with inter-pod affinity or anti-affinity.
func (n *NodeInfo) GetPodsWithAffinity() []fwk.PodInfo { return n.withAffinity }

// GetPodsWithRequiredAntiAffinity returns the pods with required inter-pod anti-affinity.
func (n *NodeInfo) GetPodsWithRequiredAntiAffinity() []fwk.PodInfo { return n.requiredAntiAffinity }

// GetPodsWithRequiredNonHostScopedAntiAffinity returns nil: the fast path that reads it is off by default upstream.
func (n *NodeInfo) GetPodsWithRequiredNonHostScopedAntiAffinity() []fwk.PodInfo { return nil }

// GetUsedPorts returns the host ports in use.
func (n *NodeInfo) GetUsedPorts() fwk.HostPortInfo { return n.ports.used }

// GetRequested returns the sum of what the pods take.
func (n *NodeInfo) GetRequested() fwk.Resource { return &n.requested }

// GetNonZeroRequested returns the sum of what the pods count as in scores; only CPU and memory are set.
func (n *NodeInfo) GetNonZeroRequested() fwk.Resource { return &n.nonZeroRequested }

// GetAllocatable returns what the node offers to pods.
func (n *NodeInfo) GetAllocatable() fwk.Resource { return n.allocatable }

// GetImageStates returns the images on the node by name.
func (n *NodeInfo) GetImageStates() map[string]*fwk.ImageStateSummary { return n.images }

// GetPVCRefCounts returns how many pods on the node use each claim, keyed by namespace/name.
func (n *NodeInfo) GetPVCRefCounts() map[string]int { return n.claims }

// GetGeneration returns a number that grows with every change.
func (n *NodeInfo) GetGeneration() int64 { return n.generation }

// GetNodeDeclaredFeatures returns the features that the node says it has.
func (n *NodeInfo) GetNodeDeclaredFeatures() ndf.FeatureSet { return n.features }
