package nodeaffinity

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// AppendShape appends the pod's node selector and node affinity, as they are written: the same demand in other words is
// another shape.
func (*Plugin) AppendShape(shape []byte, pod *corev1.Pod) ([]byte, bool) {
	shape = framework.AppendMap(shape, pod.Spec.NodeSelector)
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil {
		return shape, true
	}
	affinity := pod.Spec.Affinity.NodeAffinity
	if required := affinity.RequiredDuringSchedulingIgnoredDuringExecution; required == nil {
		shape = append(shape, 'n') // Without any demand every node matches, with an empty list of terms none does.
	} else {
		shape = framework.AppendNumber(append(shape, 'r'), int64(len(required.NodeSelectorTerms)))
		for i := range required.NodeSelectorTerms {
			shape = appendTerm(shape, &required.NodeSelectorTerms[i])
		}
	}
	preferred := affinity.PreferredDuringSchedulingIgnoredDuringExecution
	if preferred != nil { // Only nil, not an empty list, makes the plugin step aside.
		shape = append(shape, 'p')
	}
	for i := range preferred {
		shape = framework.AppendNumber(shape, int64(preferred[i].Weight))
		shape = appendTerm(shape, &preferred[i].Preference)
	}
	return shape, true
}

func appendTerm(shape []byte, term *corev1.NodeSelectorTerm) []byte {
	for _, requirements := range [][]corev1.NodeSelectorRequirement{term.MatchExpressions, term.MatchFields} {
		shape = framework.AppendNumber(shape, int64(len(requirements)))
		for _, requirement := range requirements {
			shape = framework.AppendText(framework.AppendText(shape, requirement.Key), string(requirement.Operator))
			shape = framework.AppendNumber(shape, int64(len(requirement.Values)))
			for _, value := range requirement.Values {
				shape = framework.AppendText(shape, value)
			}
		}
	}
	return shape
}
