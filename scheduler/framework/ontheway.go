package framework

import "k8s.io/utils/clock"

// OnTheWay holds the pods that are decided on and not bound yet: those that wait for Permit, and those in PreBind.
type OnTheWay struct {
	waiting    *waitingPods
	prebinding *prebindingPods
}

// NewOnTheWay returns an empty one, where the clock times Permit.
func NewOnTheWay(clock clock.WithDelayedExecution) *OnTheWay {
	return &OnTheWay{waiting: newWaitingPods(clock), prebinding: newPrebindingPods()}
}
