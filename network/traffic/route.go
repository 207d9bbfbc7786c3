package traffic

import (
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/network/ipfamily"
)

// simulatedRuntime is how the runtime of a node that runs nothing is called.
const simulatedRuntime = "simulated://"

// route says which way a packet takes to an address: that of a pod on a node, of the node itself, or, with neither, of somebody outside.
func (e *explanation) route(to netip.Addr, pod *corev1.Pod, node *corev1.Node) []Step {
	var steps []Step
	say := func(format string, args ...any) {
		steps = append(steps, Step{"route", fmt.Sprintf(format, args...)})
	}
	for _, end := range []*corev1.Node{e.source.node, node} {
		if end != nil && strings.HasPrefix(end.Status.NodeInfo.ContainerRuntimeVersion, simulatedRuntime) {
			say("node %s is simulated and has no network, which %s", end.Name, stopping)
			return steps
		}
	}
	switch {
	case pod == nil && node == nil:
		if e.source.pod != nil {
			say("leaves by node %s, and with the node's address", e.source.pod.Spec.NodeName)
		}
		return steps
	case node == nil:
		say("there is no node %s any more, which %s", pod.Spec.NodeName, stopping)
		return steps
	case e.source.node != nil && e.source.node.Name == node.Name:
		say("stays on node %s", node.Name)
	case pod == nil:
		say("to node %s itself", node.Name)
	default:
		say("by node %s, %s, which has the pods of %s", node.Name, first(internalAddresses(node), ipfamily.Of(to)), strings.Join(node.Spec.PodCIDRs, ", "))
		if !has(node, to) {
			say("the pod's address %s is not among those, so no route leads there, which %s", to, stopping)
		}
	}
	if condition := readiness(node); condition != nil && condition.Status != corev1.ConditionTrue {
		say("but node %s is not ready: %s", node.Name, condition.Message)
	}
	return steps
}

// has says whether an address is one of a node's pods. A node whose range nobody has said may have any.
func has(node *corev1.Node, address netip.Addr) bool {
	for _, text := range node.Spec.PodCIDRs {
		if prefix, err := netip.ParsePrefix(text); err == nil && prefix.Contains(address) {
			return true
		}
	}
	return len(node.Spec.PodCIDRs) == 0
}

func readiness(node *corev1.Node) *corev1.NodeCondition {
	for i := range node.Status.Conditions {
		if node.Status.Conditions[i].Type == corev1.NodeReady {
			return &node.Status.Conditions[i]
		}
	}
	return nil
}
