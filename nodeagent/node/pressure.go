package node

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// pressure is a condition that says of what the node is short, in the kubelet's words.
type pressure struct {
	kind                    corev1.NodeConditionType
	short, enough           string // reasons
	saysShort, saysEnough   string // messages
	shortEvent, enoughEvent string // reasons of events
}

var pressures = []pressure{
	{
		corev1.NodeMemoryPressure, "KubeletHasInsufficientMemory", "KubeletHasSufficientMemory",
		"kubelet has insufficient memory available", "kubelet has sufficient memory available",
		"NodeHasInsufficientMemory", "NodeHasSufficientMemory",
	},
	{
		corev1.NodeDiskPressure, "KubeletHasDiskPressure", "KubeletHasNoDiskPressure",
		"kubelet has disk pressure", "kubelet has no disk pressure",
		"NodeHasDiskPressure", "NodeHasNoDiskPressure",
	},
	{
		corev1.NodePIDPressure, "KubeletHasInsufficientPID", "KubeletHasSufficientPID",
		"kubelet has insufficient PID available", "kubelet has sufficient PID available",
		"NodeHasInsufficientPID", "NodeHasSufficientPID",
	},
}

func (p *pressure) condition(short bool) corev1.NodeCondition {
	if short {
		return corev1.NodeCondition{Type: p.kind, Status: corev1.ConditionTrue, Reason: p.short, Message: p.saysShort}
	}
	return corev1.NodeCondition{Type: p.kind, Status: corev1.ConditionFalse, Reason: p.enough, Message: p.saysEnough}
}

// turns are the reasons of events for what has changed from one status to the next. What the first status says is a change too.
func turns(before, after *corev1.NodeStatus) (reasons []string) {
	for i := range pressures {
		p := &pressures[i]
		now := statusOf(after, p.kind)
		switch {
		case now == statusOf(before, p.kind):
		case now == corev1.ConditionTrue:
			reasons = append(reasons, p.shortEvent)
		default:
			reasons = append(reasons, p.enoughEvent)
		}
	}
	return reasons
}

func statusOf(status *corev1.NodeStatus, kind corev1.NodeConditionType) corev1.ConditionStatus {
	for i := range status.Conditions {
		if status.Conditions[i].Type == kind {
			return status.Conditions[i].Status
		}
	}
	return ""
}

// tell records what has changed.
func (b *Heartbeat) tell(before, after *corev1.NodeStatus) {
	if b.Event == nil {
		return
	}
	for _, reason := range turns(before, after) {
		b.Event(corev1.EventTypeNormal, reason, fmt.Sprintf("Node %s status is now: %s", b.Name, reason))
	}
}
