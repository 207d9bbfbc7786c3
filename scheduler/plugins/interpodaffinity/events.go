package interpodaffinity

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// EventsToRegister asks for pods that come, go or change their labels, for nodes that come or change theirs, and for new
// labels of the pod itself, which may get it out of the way of others' anti-affinity.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	pods := fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Add | fwk.UpdatePodLabel | fwk.Delete}
	itself := fwk.ClusterEvent{Resource: fwk.TargetPod, ActionType: fwk.UpdatePodLabel}
	nodes := fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeLabel}
	return []fwk.ClusterEventWithHint{
		{Event: pods, QueueingHintFn: afterPod},
		{Event: itself},
		{Event: nodes, QueueingHintFn: afterNode},
	}, nil
}

// afterPod lets the pod be tried again when a pod that it wants came, or one that was in its way went. Namespace
// selectors are not resolved here, as in kube-scheduler: they match what namespaces without labels would.
func afterPod(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*corev1.Pod](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	if isNowhere(before) || isNowhere(after) {
		return fwk.QueueSkip, nil
	}
	affinity, err := fwk.GetAffinityTerms(pod, fwk.GetPodAffinityTerms(pod.Spec.Affinity))
	if err != nil {
		return fwk.Queue, err
	}
	antiAffinity, err := fwk.GetAffinityTerms(pod, fwk.GetPodAntiAffinityTerms(pod.Spec.Affinity))
	if err != nil {
		return fwk.Queue, err
	}
	var helps bool
	switch {
	case before != nil && after != nil:
		helps = !matchesAll(affinity, before) && matchesAll(affinity, after) ||
			matchesAny(antiAffinity, before) && !matchesAny(antiAffinity, after)
	case after != nil:
		helps = matchesAll(affinity, after)
	default:
		unwelcoming, err := fwk.GetAffinityTerms(before, fwk.GetPodAntiAffinityTerms(before.Spec.Affinity))
		if err != nil && !matchesAny(antiAffinity, before) {
			return fwk.Queue, err
		}
		helps = matchesAny(antiAffinity, before) || matchesAny(unwelcoming, pod)
	}
	return queueIf(helps), nil
}

// isNowhere reports whether there is a pod and it is on no node, nor meant for one.
func isNowhere(pod *corev1.Pod) bool {
	return pod != nil && pod.Spec.NodeName == "" && pod.Status.NominatedNodeName == ""
}

// afterNode lets the pod be tried again when a node came into a domain of one of its topology keys, or left one of its
// anti-affinity.
func afterNode(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*corev1.Node](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	affinity, err := fwk.GetAffinityTerms(pod, fwk.GetPodAffinityTerms(pod.Spec.Affinity))
	if err != nil {
		return fwk.Queue, err
	}
	for _, term := range affinity {
		is, now := after.Labels[term.TopologyKey]
		if before == nil {
			if now {
				return fwk.Queue, nil
			}
			continue
		}
		if was, then := before.Labels[term.TopologyKey]; now && (!then || was != is) {
			return fwk.Queue, nil
		}
	}
	antiAffinity, err := fwk.GetAffinityTerms(pod, fwk.GetPodAntiAffinityTerms(pod.Spec.Affinity))
	if err != nil {
		return fwk.Queue, err
	}
	for _, term := range antiAffinity {
		if before == nil {
			return fwk.Queue, nil
		}
		is, now := after.Labels[term.TopologyKey]
		if was, then := before.Labels[term.TopologyKey]; then && (!now || was != is) {
			return fwk.Queue, nil
		}
	}
	return fwk.QueueSkip, nil
}

func queueIf(helps bool) fwk.QueueingHint {
	if helps {
		return fwk.Queue
	}
	return fwk.QueueSkip
}
