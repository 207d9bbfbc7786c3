package imagelocality

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/explain"
)

var _ explain.ScoreExplainer = &Plugin{}

// ExplainScore counts the images that are there.
func (*Plugin) ExplainScore(pod *corev1.Pod, node fwk.NodeInfo, _ int64) string {
	there := 0
	for _, container := range pod.Spec.Containers {
		for name := range node.GetImageStates() {
			if strings.HasPrefix(name, container.Image) {
				there++
				break
			}
		}
	}
	return fmt.Sprintf("has %d of the pod's %d images", there, len(pod.Spec.Containers))
}
