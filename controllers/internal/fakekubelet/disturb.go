package fakekubelet

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
)

// DisturbPods lets one pod fail, be deleted, or lose the label app, by which everything here selects.
func DisturbPods(t *rapid.T, w *looptest.World) {
	pods := looptest.All[*ocorev1.Pod](w)
	if len(pods) == 0 {
		return
	}
	pod := pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")]
	switch rapid.IntRange(0, 2).Draw(t, "what") {
	case 0:
		looptest.Edit(w, "kubelet", pod, func(pod *ocorev1.Pod) { pod.Status.Phase = corev1.PodFailed })
	case 1:
		end(w, "user", pod)
	case 2:
		looptest.Edit(w, "user", pod, func(pod *ocorev1.Pod) { pod.Labels["app"] = "debug" })
	}
}
