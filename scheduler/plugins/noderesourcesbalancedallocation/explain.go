package noderesourcesbalancedallocation

import (
	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/orrery-dev/orrery/scheduler/resources"
)

var _ explain.ScoreExplainer = &Plugin{}

// ExplainScore says how full the node would be.
func (*Plugin) ExplainScore(pod *corev1.Pod, node fwk.NodeInfo, _ int64) string {
	return "with the pod, " + resources.SharesTaken(pod, node) + " would be taken"
}
