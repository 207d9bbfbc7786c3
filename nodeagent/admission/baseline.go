package admission

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/orrery-dev/orrery/nodeagent/status"
)

// podSecurity is the reason of a pod that is refused for what it would be allowed to do to the machine.
const podSecurity = "PodSecurity"

// Baseline returns a function that refuses a pod beyond the baseline level of the Pod Security Standards, unless others are known to have
// judged it. An API server that knows pods as custom resources judges none itself: whoever may make one there would be root here.
func Baseline(judged func(pod *corev1.Pod) bool) (func(pod *corev1.Pod) *status.Failure, error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return nil, fmt.Errorf("preparing the checks of the baseline level: %w", err)
	}
	level := api.LevelVersion{Level: api.LevelBaseline, Version: api.LatestVersion()}
	return func(pod *corev1.Pod) *status.Failure {
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec))
		if result.Allowed || judged(pod) {
			return nil
		}
		return &status.Failure{Reason: podSecurity, Message: fmt.Sprintf(
			"violates PodSecurity %q: %s. This node runs no custom pod beyond that level, unless the cluster's webhooks were seen to judge it when it was made, or the node was started with --trust-custom-pods",
			level.String(), result.ForbiddenDetail())}
	}, nil
}
