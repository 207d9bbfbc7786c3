package framework

import "k8s.io/utils/clock"

// BindingPods holds the pods that are decided on and not bound yet: those that wait for Permit, and those in PreBind.
type BindingPods struct {
	waiting    *waitingPods
	prebinding *prebindingPods
}

// NewBindingPods returns an empty one, where the clock times Permit.
func NewBindingPods(clock clock.WithDelayedExecution) *BindingPods {
	return &BindingPods{waiting: newWaitingPods(clock), prebinding: newPrebindingPods()}
}
