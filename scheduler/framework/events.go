package framework

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/resources"
)

// Events that do not follow from a change of one object.
var (
	// PodFlushed brings back a pod that waited too long for an event.
	PodFlushed = fwk.ClusterEvent{Resource: fwk.WildCard, ActionType: fwk.All, CustomLabel: "UnschedulableTimeout"}
	// PodActivated brings back a pod because a plugin says so.
	PodActivated = fwk.ClusterEvent{Resource: fwk.WildCard, ActionType: fwk.All, CustomLabel: "ForceActivate"}
)

// IsWildCard reports whether the event concerns every pod.
func IsWildCard(event fwk.ClusterEvent) bool {
	return event.Resource == fwk.WildCard && event.ActionType == fwk.All
}

// Matches reports whether an event is one of those that registered stands for.
func Matches(registered, event fwk.ClusterEvent) bool {
	if IsWildCard(registered) {
		return true
	}
	return matchesResource(registered.Resource, event.Resource) &&
		registered.ActionType&event.ActionType != 0 && event.ActionType <= registered.ActionType
}

func matchesResource(registered, resource fwk.EventResource) bool {
	switch registered {
	case fwk.WildCard, resource:
		return true
	case fwk.Pod:
		return resource == fwk.AssignedPod || resource == fwk.UnscheduledPod || resource == fwk.TargetPod
	}
	return false
}

// PodChanges returns what changed in a pod, as far as scheduling is concerned. Where nothing specific did, it is one
// event of the general Update.
func PodChanges(resource fwk.EventResource, old, new *corev1.Pod) []fwk.ClusterEvent {
	down, up := scaled(old, new)
	changes := []struct {
		changed bool
		action  fwk.ActionType
	}{
		{!equality.Semantic.DeepEqual(old.Labels, new.Labels), fwk.UpdatePodLabel},
		{down, fwk.UpdatePodScaleDown},
		{up, fwk.UpdatePodScaleUp},
		{len(old.Spec.SchedulingGates) > 0 && len(new.Spec.SchedulingGates) == 0, fwk.UpdatePodSchedulingGatesEliminated},
		// Tolerations can only be added.
		{len(old.Spec.Tolerations) != len(new.Spec.Tolerations), fwk.UpdatePodToleration},
		{!equality.Semantic.DeepEqual(old.Status.ResourceClaimStatuses, new.Status.ResourceClaimStatuses), fwk.UpdatePodGeneratedResourceClaim},
	}
	var events []fwk.ClusterEvent
	for _, change := range changes {
		if change.changed {
			events = append(events, fwk.ClusterEvent{Resource: resource, ActionType: change.action})
		}
	}
	if events == nil {
		events = []fwk.ClusterEvent{{Resource: resource, ActionType: fwk.Update}}
	}
	return events
}

func scaled(old, new *corev1.Pod) (down, up bool) {
	before, after := resources.StatusRequests(old), resources.StatusRequests(new)
	for name, was := range before {
		is, still := after[name]
		down = down || !still || was.MilliValue() > is.MilliValue()
	}
	for name, is := range after {
		was, already := before[name]
		up = up || !already || is.MilliValue() > was.MilliValue()
	}
	return down, up
}

// NodeChanges returns what changed in a node, as far as scheduling is concerned; possibly nothing.
func NodeChanges(old, new *corev1.Node) []fwk.ClusterEvent {
	changes := []struct {
		changed bool
		action  fwk.ActionType
	}{
		{old.Spec.Unschedulable && !new.Spec.Unschedulable, fwk.UpdateNodeTaint},
		{!equality.Semantic.DeepEqual(old.Status.Allocatable, new.Status.Allocatable), fwk.UpdateNodeAllocatable},
		{!equality.Semantic.DeepEqual(old.Labels, new.Labels), fwk.UpdateNodeLabel},
		{!equality.Semantic.DeepEqual(old.Spec.Taints, new.Spec.Taints), fwk.UpdateNodeTaint},
		{!maps.Equal(conditions(old), conditions(new)), fwk.UpdateNodeCondition},
		{!equality.Semantic.DeepEqual(old.Annotations, new.Annotations), fwk.UpdateNodeAnnotation},
		{!slices.Equal(old.Status.DeclaredFeatures, new.Status.DeclaredFeatures), fwk.UpdateNodeDeclaredFeature},
	}
	var events []fwk.ClusterEvent
	for _, change := range changes {
		if change.changed {
			events = append(events, fwk.ClusterEvent{Resource: fwk.Node, ActionType: change.action})
		}
	}
	return events
}

// conditions leaves out when and why, which change with every heartbeat.
func conditions(node *corev1.Node) map[corev1.NodeConditionType]corev1.ConditionStatus {
	statuses := make(map[corev1.NodeConditionType]corev1.ConditionStatus, len(node.Status.Conditions))
	for _, condition := range node.Status.Conditions {
		statuses[condition.Type] = condition.Status
	}
	return statuses
}
