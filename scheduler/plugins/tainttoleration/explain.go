package tainttoleration

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/explain"
)

var (
	_ explain.RefusalExplainer = Plugin{}
	_ explain.ScoreExplainer   = Plugin{}
)

// ExplainRefusal names every taint that keeps the pod away, not only the first.
func (Plugin) ExplainRefusal(refused explain.Refused) explain.Detail {
	var result explain.Detail
	var names []string
	for _, taint := range refused.Node.Node().Spec.Taints {
		if taint.Effect == corev1.TaintEffectPreferNoSchedule ||
			schedulinghelpers.TolerationsTolerateTaint(klog.Logger{}, refused.Pod.Spec.Tolerations, &taint, true) {
			continue
		}
		names = append(names, taint.ToString())
		result.Remedies = append(result.Remedies, explain.Remedy{
			Phrase: "with a toleration for " + taint.ToString(),
			Pod: func(pod *corev1.Pod) {
				pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{
					Key: taint.Key, Operator: corev1.TolerationOpEqual, Value: taint.Value, Effect: taint.Effect,
				})
			},
		})
	}
	verb := "taint %s is not tolerated"
	if len(names) > 1 {
		verb = "taints %s are not tolerated"
	}
	result.Text = fmt.Sprintf(verb, strings.Join(names, ", "))
	return result
}

// ExplainScore says how many taints speak against the node, which is what Score counts.
func (Plugin) ExplainScore(_ *corev1.Pod, _ fwk.NodeInfo, untolerated int64) string {
	switch untolerated {
	case 0:
		return "no taint speaks against it"
	case 1:
		return "1 PreferNoSchedule taint is not tolerated"
	default:
		return fmt.Sprintf("%d PreferNoSchedule taints are not tolerated", untolerated)
	}
}
