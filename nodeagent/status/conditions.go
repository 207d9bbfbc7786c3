package status

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/nodeagent/restart"
)

// Reasons of conditions, as upstream spells them.
const (
	podCompleted             = "PodCompleted"
	podFailed                = "PodFailed"
	containersNotReady       = "ContainersNotReady"
	containersNotInitialized = "ContainersNotInitialized"
	readinessGatesNotReady   = "ReadinessGatesNotReady"
	podSandboxNotReady       = "PodSandboxNotReady"
)

// owned are the conditions that the agent writes, in the order in which it writes them.
var owned = []corev1.PodConditionType{
	corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled,
	corev1.AllContainersRestarting, corev1.PodResizePending, corev1.PodResizeInProgress,
}

// Owned says whether the agent writes conditions of this type. Every other one belongs to somebody else.
func Owned(kind corev1.PodConditionType) bool {
	for _, each := range owned {
		if each == kind {
			return true
		}
	}
	return false
}

// Writes says whether the agent writes this condition: its type is owned, or it says that the agent itself has disrupted the pod. Others
// write conditions of that type too.
func Writes(condition *corev1.PodCondition) bool {
	return Owned(condition.Type) || condition.Type == corev1.DisruptionTarget && condition.Reason == corev1.PodReasonTerminationByKubelet
}

func setConditions(s *corev1.PodStatus, in *Input, last *corev1.PodStatus, now time.Time) {
	disrupted := in.Failure != nil && in.Failure.Disrupts && !in.Active // it is told with the terminal phase
	for _, foreign := range in.Pod.Status.Conditions {
		if !Owned(foreign.Type) && (!disrupted || foreign.Type != corev1.DisruptionTarget) {
			s.Conditions = append(s.Conditions, foreign)
		}
	}
	containers := containersReady(in.Pod, s)
	computed := map[corev1.PodConditionType]corev1.PodCondition{
		corev1.PodReadyToStartContainers: readyToStart(in, last),
		corev1.PodInitialized:            initialized(in.Pod, s),
		corev1.PodReady:                  ready(in.Pod, s, containers),
		corev1.ContainersReady:           containers,
		corev1.PodScheduled:              {Status: corev1.ConditionTrue},
	}
	if restart.MayAskForAll(&in.Pod.Spec) {
		computed[corev1.AllContainersRestarting] = allRestarting(in)
	}
	for _, kind := range owned {
		if condition, holds := computed[kind]; holds {
			condition.Type, condition.ObservedGeneration = kind, in.Pod.Generation
			condition.LastTransitionTime = transition(kind, condition.Status, last, now)
			s.Conditions = append(s.Conditions, condition)
		}
	}
	if !Terminal(s.Phase) {
		setResizeConditions(s, in, last, now)
	}
	if disrupted {
		s.Conditions = append(s.Conditions, corev1.PodCondition{
			Type: corev1.DisruptionTarget, ObservedGeneration: in.Pod.Generation, Status: corev1.ConditionTrue,
			Reason: corev1.PodReasonTerminationByKubelet, Message: cmp.Or(in.Failure.Disruption, in.Failure.Message),
			LastTransitionTime: transition(corev1.DisruptionTarget, corev1.ConditionTrue, last, now),
		})
	}
}

// setResizeConditions says how a resize stands. These conditions are there or not, and so it is their reason that makes them new.
func setResizeConditions(s *corev1.PodStatus, in *Input, last *corev1.PodStatus, now time.Time) {
	add := func(condition corev1.PodCondition) {
		condition.Status, condition.LastTransitionTime = corev1.ConditionTrue, metav1.NewTime(now).Rfc3339Copy()
		for _, old := range last.Conditions {
			if old.Type == condition.Type && old.Reason == condition.Reason && !old.LastTransitionTime.IsZero() {
				condition.LastTransitionTime = old.LastTransitionTime
			}
		}
		s.Conditions = append(s.Conditions, condition)
	}
	if why := in.ResizePending; why != nil {
		add(corev1.PodCondition{Type: corev1.PodResizePending, ObservedGeneration: in.Pod.Generation, Reason: why.Reason, Message: why.Message})
	}
	if resize := in.ResizeInProgress; resize != nil {
		condition := corev1.PodCondition{Type: corev1.PodResizeInProgress, ObservedGeneration: resize.Generation, Message: resize.Error}
		if resize.Error != "" {
			condition.Reason = corev1.PodReasonError
		}
		add(condition)
	}
}

// transition returns when the condition got the status it has.
func transition(kind corev1.PodConditionType, status corev1.ConditionStatus, last *corev1.PodStatus, now time.Time) metav1.Time {
	for _, old := range last.Conditions {
		if old.Type == kind && old.Status == status && !old.LastTransitionTime.IsZero() {
			return old.LastTransitionTime
		}
	}
	return metav1.NewTime(now).Rfc3339Copy()
}

// readyToStart: there is a sandbox with its network.
func readyToStart(in *Input, last *corev1.PodStatus) corev1.PodCondition {
	sandbox := in.Runtime.Ready()
	message := ""
	before := condition(last.Conditions, corev1.PodReadyToStartContainers)
	switch {
	case len(in.Runtime.Sandboxes) == 0 && Terminal(last.Phase) && before != nil:
		return corev1.PodCondition{Status: before.Status, Reason: before.Reason, Message: before.Message} // its sandbox was collected
	case len(in.Runtime.Sandboxes) == 0:
		message = "no pod sandbox exists"
	case sandbox == nil:
		message = "pod sandbox is not ready"
	case sandbox.HostNetwork != in.Pod.Spec.HostNetwork:
		message = "network namespace mode changed and sandbox needs to be recreated"
	case !sandbox.HostNetwork && len(sandbox.IPs) == 0:
		message = "pod sandbox has no IP address"
	default:
		return corev1.PodCondition{Status: corev1.ConditionTrue}
	}
	return corev1.PodCondition{Status: corev1.ConditionFalse, Reason: podSandboxNotReady, Message: message}
}

// initialized: every init container succeeded, and every sidecar has started, or they had when a container first ran.
func initialized(pod *corev1.Pod, s *corev1.PodStatus) corev1.PodCondition {
	var incomplete []string
	for i := range pod.Spec.InitContainers {
		container, status := &pod.Spec.InitContainers[i], &s.InitContainerStatuses[i]
		done := status.Ready
		if restart.Sidecar(container) {
			done = status.Started != nil && *status.Started
		}
		if !done {
			incomplete = append(incomplete, container.Name)
		}
	}
	switch {
	case s.Phase == corev1.PodSucceeded:
		return corev1.PodCondition{Status: corev1.ConditionTrue, Reason: podCompleted}
	case len(incomplete) == 0, anyAppStarted(s.ContainerStatuses):
		return corev1.PodCondition{Status: corev1.ConditionTrue}
	}
	return corev1.PodCondition{
		Status: corev1.ConditionFalse, Reason: containersNotInitialized,
		Message: fmt.Sprintf("containers with incomplete status: %s", incomplete),
	}
}

// containersReady: every container and every sidecar is ready.
func containersReady(pod *corev1.Pod, s *corev1.PodStatus) corev1.PodCondition {
	switch s.Phase {
	case corev1.PodSucceeded:
		return corev1.PodCondition{Status: corev1.ConditionFalse, Reason: podCompleted}
	case corev1.PodFailed:
		return corev1.PodCondition{Status: corev1.ConditionFalse, Reason: podFailed}
	}
	var unready []string
	for i := range pod.Spec.InitContainers {
		if restart.Sidecar(&pod.Spec.InitContainers[i]) && !s.InitContainerStatuses[i].Ready {
			unready = append(unready, pod.Spec.InitContainers[i].Name)
		}
	}
	for i := range pod.Spec.Containers {
		if !s.ContainerStatuses[i].Ready {
			unready = append(unready, pod.Spec.Containers[i].Name)
		}
	}
	if len(unready) > 0 {
		return corev1.PodCondition{
			Status: corev1.ConditionFalse, Reason: containersNotReady,
			Message: fmt.Sprintf("containers with unready status: %s", unready),
		}
	}
	return corev1.PodCondition{Status: corev1.ConditionTrue}
}

// ready: the containers are, and so says every readiness gate.
func ready(pod *corev1.Pod, s *corev1.PodStatus, containers corev1.PodCondition) corev1.PodCondition {
	if containers.Status != corev1.ConditionTrue {
		return containers
	}
	var closed []string
	for _, gate := range pod.Spec.ReadinessGates {
		switch found := condition(s.Conditions, gate.ConditionType); {
		case found == nil:
			closed = append(closed, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType))
		case found.Status != corev1.ConditionTrue:
			closed = append(closed, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v", gate.ConditionType, found.Status))
		}
	}
	if len(closed) > 0 {
		return corev1.PodCondition{Status: corev1.ConditionFalse, Reason: readinessGatesNotReady, Message: strings.Join(closed, ", ")}
	}
	return corev1.PodCondition{Status: corev1.ConditionTrue}
}

func condition(conditions []corev1.PodCondition, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range conditions {
		if conditions[i].Type == kind {
			return &conditions[i]
		}
	}
	return nil
}
