package nodeaffinity

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// AppendEquivalenceKey appends the pod's node selector and node affinity, as they are written: the same demand in other
// words is another key.
func (*Plugin) AppendEquivalenceKey(key []byte, pod *corev1.Pod) ([]byte, bool) {
	key = framework.AppendMap(key, pod.Spec.NodeSelector)
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil {
		return key, true
	}
	affinity := pod.Spec.Affinity.NodeAffinity
	if required := affinity.RequiredDuringSchedulingIgnoredDuringExecution; required == nil {
		key = append(key, 'n') // Without any demand every node matches, with an empty list of terms none does.
	} else {
		key = framework.AppendNumber(append(key, 'r'), int64(len(required.NodeSelectorTerms)))
		for i := range required.NodeSelectorTerms {
			key = appendTerm(key, &required.NodeSelectorTerms[i])
		}
	}
	preferred := affinity.PreferredDuringSchedulingIgnoredDuringExecution
	if preferred != nil { // Only nil, not an empty list, makes the plugin step aside.
		key = append(key, 'p')
	}
	for i := range preferred {
		key = framework.AppendNumber(key, int64(preferred[i].Weight))
		key = appendTerm(key, &preferred[i].Preference)
	}
	return key, true
}

func appendTerm(key []byte, term *corev1.NodeSelectorTerm) []byte {
	for _, requirements := range [][]corev1.NodeSelectorRequirement{term.MatchExpressions, term.MatchFields} {
		key = framework.AppendNumber(key, int64(len(requirements)))
		for _, requirement := range requirements {
			key = framework.AppendText(framework.AppendText(key, requirement.Key), string(requirement.Operator))
			key = framework.AppendNumber(key, int64(len(requirement.Values)))
			for _, value := range requirement.Values {
				key = framework.AppendText(key, value)
			}
		}
	}
	return key
}
