package status

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/restart"
)

// Upstream's words for the restart of all containers of a pod.
const (
	restartingAllContainers     = "RestartingAllContainers"
	restartAllContainersStarted = "RestartAllContainersStarted"
)

// RestartingAll says whether a status says that all containers are being restarted.
func RestartingAll(s *corev1.PodStatus) bool {
	found := condition(s.Conditions, corev1.AllContainersRestarting)
	return found != nil && found.Status == corev1.ConditionTrue
}

// restartsAll says whether all containers are to be started again: one asks for that, or did before it was taken away itself. It is
// over when none of them is left.
func (in *Input) restartsAll() bool {
	if in.Stopping || in.Failure != nil || !restart.MayAskForAll(&in.Pod.Spec) {
		return false
	}
	left := false
	for _, list := range [][]corev1.Container{in.Pod.Spec.InitContainers, in.Pod.Spec.Containers} {
		for i := range list {
			latest := in.Runtime.Latest(list[i].Name)
			if latest != nil && latest.Exited() && restart.All(&list[i], latest.ExitCode) {
				return true
			}
			left = left || latest != nil
		}
	}
	return in.restarted && left
}

func allRestarting(in *Input) corev1.PodCondition {
	if !in.restartingAll {
		return corev1.PodCondition{Status: corev1.ConditionFalse}
	}
	return corev1.PodCondition{
		Status: corev1.ConditionTrue, Reason: restartAllContainersStarted, Message: "container exited with restart policy rule",
	}
}

// takenAway speaks of a container that was removed to be started again with all others. The reason tells it, from here on, from one
// that ended for good.
func (in *Input) takenAway(s, last *corev1.ContainerStatus) {
	const message = "The container is removed because RestartAllContainers in place"
	s.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: restartingAllContainers, Message: message}}
	s.LastTerminationState = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		Reason: restartingAllContainers, Message: message, ExitCode: 137,
	}}
	s.RestartCount = last.RestartCount + 1
}
