package podtopologyspread

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// EventsToRegister asks for whatever changes counts: pods that come, go or change their labels, and nodes that come, go or
// change labels or taints; and for new labels and tolerations of the pod.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	pods := fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Add | fwk.UpdatePodLabel | fwk.Delete}
	itself := fwk.ClusterEvent{Resource: fwk.TargetPod, ActionType: fwk.UpdatePodToleration | fwk.UpdatePodLabel}
	nodes := fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.Delete | fwk.UpdateNodeLabel | fwk.UpdateNodeTaint}
	return []fwk.ClusterEventWithHint{
		{Event: pods, QueueingHintFn: p.afterPod},
		{Event: itself, QueueingHintFn: p.afterItself},
		{Event: nodes, QueueingHintFn: p.afterNode},
	}, nil
}

// afterPod lets the pod be tried again when one that is counted came or went, or is counted now or not any more.
func (p *Plugin) afterPod(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*corev1.Pod](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	if before != nil && !concerns(before, pod) || after != nil && !concerns(after, pod) {
		return fwk.QueueSkip, nil
	}
	constraints, err := p.constraints(pod, corev1.DoNotSchedule)
	switch {
	case err != nil:
		return fwk.Queue, err
	case before != nil && after != nil:
		return queueIf(countedOtherwise(constraints, before, after)), nil
	case after != nil:
		before = after
	}
	return queueIf(slices.ContainsFunc(constraints, func(c constraint) bool {
		return c.selector.Matches(labels.Set(before.Labels))
	})), nil
}

// concerns reports whether a pod can be among those that another is spread with.
func concerns(pod, spread *corev1.Pod) bool {
	return (pod.Spec.NodeName != "" || pod.Status.NominatedNodeName != "") && pod.Namespace == spread.Namespace
}

// countedOtherwise reports whether new labels make a constraint count a pod, or not count it any more.
func countedOtherwise(constraints []constraint, before, after *corev1.Pod) bool {
	return slices.ContainsFunc(constraints, func(c constraint) bool {
		return c.selector.Matches(labels.Set(before.Labels)) != c.selector.Matches(labels.Set(after.Labels))
	})
}

// afterItself lets the pod be tried again when it is counted otherwise, or tolerates other taints and that matters.
func (p *Plugin) afterItself(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*corev1.Pod](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	constraints, err := p.constraints(pod, corev1.DoNotSchedule)
	if err != nil {
		return fwk.Queue, err
	}
	honors := slices.ContainsFunc(constraints, func(c constraint) bool { return c.honorsTaints })
	if honors && !equality.Semantic.DeepEqual(before.Spec.Tolerations, after.Spec.Tolerations) {
		return fwk.Queue, nil
	}
	return queueIf(countedOtherwise(constraints, before, after)), nil
}

// afterNode lets the pod be tried again when a node with all topology keys came, went, moved to other domains or has other
// taints, or when it got or lost such a key.
func (p *Plugin) afterNode(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*corev1.Node](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	constraints, err := p.constraints(pod, corev1.DoNotSchedule)
	if err != nil {
		return fwk.Queue, err
	}
	had, has := before != nil && hasKeys(before, constraints), after != nil && hasKeys(after, constraints)
	if had != has || !has {
		return queueIf(had || has), nil
	}
	moved := func(c constraint) bool { return before.Labels[c.key] != after.Labels[c.key] }
	return queueIf(slices.ContainsFunc(constraints, moved) ||
		!equality.Semantic.DeepEqual(before.Spec.Taints, after.Spec.Taints)), nil
}

func hasKeys(node *corev1.Node, constraints []constraint) bool {
	return !slices.ContainsFunc(constraints, func(c constraint) bool {
		_, found := node.Labels[c.key]
		return !found
	})
}

func queueIf(helps bool) fwk.QueueingHint {
	if helps {
		return fwk.Queue
	}
	return fwk.QueueSkip
}
