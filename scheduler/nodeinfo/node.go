package nodeinfo

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	ndf "k8s.io/component-helpers/nodedeclaredfeatures"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/resources"
)

var lastGeneration atomic.Int64

// NodeInfo is a node, the pods on it and their sums. A NodeInfo without a node stands for pods whose node is not known
// (yet, or any more).
type NodeInfo struct {
	node                 *corev1.Node
	pods                 []fwk.PodInfo
	withAffinity         []fwk.PodInfo
	requiredAntiAffinity []fwk.PodInfo
	ports                portUse        // nil maps while no port is in use
	claims               map[string]int // nil while no claim is
	requested            resources.Amounts
	nonZeroRequested     resources.Amounts
	allocatable          *resources.Amounts // replaced, never written to
	images               map[string]*fwk.ImageStateSummary
	frozen               frozenImages
	features             ndf.FeatureSet // replaced, never written to
	generation           int64
	// shared says that the lists of pods, ports, claims and scalar amounts belong to a copy as well. Appending to a list is
	// allowed all the same, because a copy ends where it ended when it was made.
	shared bool
	// number is its place in the snapshot that it belongs to. See SetNumber.
	number int32
}

var _ fwk.NodeInfo = &NodeInfo{}

// New returns a NodeInfo without a node that holds the given pods.
func New(pods ...*corev1.Pod) *NodeInfo {
	info := &NodeInfo{
		allocatable: &resources.Amounts{},
	}
	info.touch()
	for _, pod := range pods {
		info.AddPod(pod)
	}
	return info
}

// ForNode returns a NodeInfo of a node that holds the given pods.
func ForNode(node *corev1.Node, pods ...*corev1.Pod) *NodeInfo {
	info := New(pods...)
	info.SetNode(node)
	return info
}

// SetNode sets or replaces the node.
func (n *NodeInfo) SetNode(node *corev1.Node) {
	n.node = node
	n.allocatable = resources.FromList(node.Status.Allocatable)
	// TryMap skips features that this build does not know; none of them can be asked for either.
	n.features = ndf.DefaultFramework.TryMap(node.Status.DeclaredFeatures)
	n.touch()
}

// RemoveNode forgets the node and keeps the pods.
func (n *NodeInfo) RemoveNode() {
	n.node = nil
	n.touch()
}

// SetImages replaces the images on the node. The summaries are shared between nodes and owned by the caller.
func (n *NodeInfo) SetImages(images map[string]*fwk.ImageStateSummary) {
	n.images, n.frozen = images, frozenImages{}
	n.touch()
}

// SetNumber says at which place in a snapshot's list the NodeInfo stands.
func (n *NodeInfo) SetNumber(number int) { n.number = int32(number) }

// Number returns that place. What is not on a snapshot's list, such as a copy, may have any number: whoever depends on it
// looks at the list.
func (n *NodeInfo) Number() int { return int(n.number) }

// AddPod adds a pod. A pod is not looked for first: adding it twice counts it twice.
func (n *NodeInfo) AddPod(pod *corev1.Pod) {
	info, _ := NewPodInfo(pod) // Terms that cannot be parsed match nothing; the pod still takes its place.
	n.AddPodInfo(info)
}

// AddPodInfo is AddPod for a pod whose PodInfo exists already.
func (n *NodeInfo) AddPodInfo(pod fwk.PodInfo) {
	n.pods = append(n.pods, pod)
	if hasPodAffinity(pod) {
		n.withAffinity = append(n.withAffinity, pod)
	}
	if hasRequiredAntiAffinity(pod) {
		n.requiredAntiAffinity = append(n.requiredAntiAffinity, pod)
	}
	n.count(pod, +1)
}

// RemovePod removes the pod with the same UID; that it is not there is an error.
func (n *NodeInfo) RemovePod(_ klog.Logger, pod *corev1.Pod) error {
	if pod.UID == "" {
		return fmt.Errorf("removing pod %s/%s from a node: it has no UID", pod.Namespace, pod.Name)
	}
	same := func(other fwk.PodInfo) bool { return other.GetPod().UID == pod.UID }
	index := slices.IndexFunc(n.pods, same)
	if index < 0 {
		return fmt.Errorf("no corresponding pod %s in pods of node %s", pod.Name, n.name())
	}
	n.unshare()
	removed := n.pods[index]
	n.pods = without(n.pods, index)
	if index := slices.IndexFunc(n.withAffinity, same); index >= 0 {
		n.withAffinity = without(n.withAffinity, index)
	}
	if index := slices.IndexFunc(n.requiredAntiAffinity, same); index >= 0 {
		n.requiredAntiAffinity = without(n.requiredAntiAffinity, index)
	}
	n.count(removed, -1)
	return nil
}

// count adds (or, with sign -1, takes away) what a pod uses.
func (n *NodeInfo) count(pod fwk.PodInfo, sign int64) {
	usage := pod.CalculateResource()
	if n.shared && n.writesMaps(pod, usage) {
		n.unshare()
	}
	n.requested.AddTimes(sign, usage.Resource)
	n.nonZeroRequested.MilliCPU += sign * usage.Non0CPU
	n.nonZeroRequested.Memory += sign * usage.Non0Mem
	for _, port := range HostPorts(pod.GetPod()) {
		n.ports.count(port, int(sign))
	}
	for _, volume := range pod.GetPod().Spec.Volumes {
		if !isClaim(volume) {
			continue
		}
		key := pod.GetPod().Namespace + "/" + volume.PersistentVolumeClaim.ClaimName
		if n.claims == nil {
			n.claims = map[string]int{}
		}
		if n.claims[key] += int(sign); n.claims[key] <= 0 {
			delete(n.claims, key)
		}
	}
	n.touch()
}

func isClaim(volume corev1.Volume) bool { return volume.PersistentVolumeClaim != nil }

func (n *NodeInfo) touch() { n.generation = lastGeneration.Add(1) }

func (n *NodeInfo) name() string {
	if n.node == nil {
		return "<no node>"
	}
	return n.node.Name
}

// String names the node and its pods.
func (n *NodeInfo) String() string {
	names := make([]string, len(n.pods))
	for i, pod := range n.pods {
		names[i] = pod.GetPod().Namespace + "/" + pod.GetPod().Name
	}
	return fmt.Sprintf("node %s with pods [%s]", n.name(), strings.Join(names, " "))
}

// without moves the last element into the gap: the order of a node's pods has no meaning.
func without(pods []fwk.PodInfo, index int) []fwk.PodInfo {
	last := len(pods) - 1
	pods[index] = pods[last]
	pods[last] = nil
	return pods[:last]
}

func hasPodAffinity(pod fwk.PodInfo) bool {
	if own, ok := pod.(*PodInfo); ok {
		return own.hasAffinity
	}
	affinity := pod.GetPod().Spec.Affinity
	return affinity != nil && (affinity.PodAffinity != nil || affinity.PodAntiAffinity != nil)
}

func hasRequiredAntiAffinity(pod fwk.PodInfo) bool {
	if own, ok := pod.(*PodInfo); ok {
		return own.hasRequiredAntiAffinity
	}
	return len(pod.GetRequiredAntiAffinityTerms()) > 0
}
