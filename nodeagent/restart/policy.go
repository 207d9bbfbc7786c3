package restart

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Sidecar says whether an init container keeps running beside the containers of the pod.
func Sidecar(container *corev1.Container) bool {
	return container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// Allowed says whether a container of the pod is started again after it ended with the exit code. The container's own
// rules come first, then its own policy, then the pod's. An init container that succeeded is never started again,
// unless it is a sidecar.
func Allowed(spec *corev1.PodSpec, container *corev1.Container, exitCode int32) bool {
	if rule := ruleFor(container, exitCode); rule != nil {
		switch rule.Action {
		case corev1.ContainerRestartRuleActionRestart, corev1.ContainerRestartRuleActionRestartAllContainers:
			return true
		}
	}
	policy := string(spec.RestartPolicy)
	if container.RestartPolicy != nil {
		policy = string(*container.RestartPolicy)
	}
	switch corev1.RestartPolicy(policy) {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return exitCode != 0
	default:
		return true
	}
}

// All says whether all containers of the pod are started again, because one ended with the exit code. nil is a container that there is
// not.
func All(container *corev1.Container, exitCode int32) bool {
	if container == nil {
		return false
	}
	rule := ruleFor(container, exitCode)
	return rule != nil && rule.Action == corev1.ContainerRestartRuleActionRestartAllContainers
}

// MayAskForAll says whether a container of the pod can have all of them started again.
func MayAskForAll(spec *corev1.PodSpec) bool {
	return slices.ContainsFunc(slices.Concat(spec.InitContainers, spec.Containers), func(c corev1.Container) bool {
		return slices.ContainsFunc(c.RestartPolicyRules, func(r corev1.ContainerRestartRule) bool {
			return r.Action == corev1.ContainerRestartRuleActionRestartAllContainers
		})
	})
}

// ruleFor is the first rule of a container about the exit code; nil if there is none.
func ruleFor(container *corev1.Container, exitCode int32) *corev1.ContainerRestartRule {
	for i := range container.RestartPolicyRules {
		if rule := &container.RestartPolicyRules[i]; matches(rule.ExitCodes, exitCode) {
			return rule
		}
	}
	return nil
}

// AllowedInit is Allowed for a regular init container: there, Always means "until it succeeds".
func AllowedInit(spec *corev1.PodSpec, container *corev1.Container, exitCode int32) bool {
	return exitCode != 0 && Allowed(spec, container, exitCode)
}

func matches(codes *corev1.ContainerRestartRuleOnExitCodes, exitCode int32) bool {
	if codes == nil {
		return false
	}
	listed := slices.Contains(codes.Values, exitCode)
	switch codes.Operator {
	case corev1.ContainerRestartRuleOnExitCodesOpIn:
		return listed
	case corev1.ContainerRestartRuleOnExitCodesOpNotIn:
		return !listed
	default:
		return false
	}
}
