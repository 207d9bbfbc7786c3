package job

import (
	"fmt"
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// match is what the first rule that fits says of a failed pod, and why it fits. Where none does, the failure counts.
func match(policy *batchv1.PodFailurePolicy, pod *ocorev1.Pod) (action batchv1.PodFailurePolicyAction, why string) {
	if policy == nil {
		return batchv1.PodFailurePolicyActionCount, ""
	}
	for i, rule := range policy.Rules {
		switch {
		case rule.OnExitCodes != nil:
			if status := exited(pod, rule.OnExitCodes); status != nil {
				return rule.Action, fmt.Sprintf("Container %s for pod %s/%s failed with exit code %d matching %v rule at index %d",
					status.Name, pod.Namespace, pod.Name, status.State.Terminated.ExitCode, rule.Action, i)
			}
		default:
			if kind := conditioned(pod, rule.OnPodConditions); kind != "" {
				return rule.Action, fmt.Sprintf("Pod %s/%s has condition %v matching %v rule at index %d", pod.Namespace, pod.Name, kind, rule.Action, i)
			}
		}
	}
	return batchv1.PodFailurePolicyActionCount, ""
}

// exited is a container that ended with an exit code that a rule is about; nil if there is none. 0 is no failure.
func exited(pod *ocorev1.Pod, on *batchv1.PodFailurePolicyOnExitCodesRequirement) *corev1.ContainerStatus {
	all := append(slices.Clone(pod.Status.ContainerStatuses), pod.Status.InitContainerStatuses...)
	for i := range all {
		ended := all[i].State.Terminated
		if ended == nil || ended.ExitCode == 0 || on.ContainerName != nil && *on.ContainerName != all[i].Name {
			continue
		}
		listed := slices.Contains(on.Values, ended.ExitCode)
		if on.Operator == batchv1.PodFailurePolicyOnExitCodesOpIn && listed || on.Operator == batchv1.PodFailurePolicyOnExitCodesOpNotIn && !listed {
			return &all[i]
		}
	}
	return nil
}

// conditioned is a condition of a pod that a rule is about; empty if there is none.
func conditioned(pod *ocorev1.Pod, patterns []batchv1.PodFailurePolicyOnPodConditionsPattern) corev1.PodConditionType {
	for _, c := range pod.Status.Conditions {
		for _, pattern := range patterns {
			if c.Type == pattern.Type && c.Status == pattern.Status {
				return c.Type
			}
		}
	}
	return ""
}
