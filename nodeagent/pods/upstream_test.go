package pods

import (
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/kubelet/events"
	"pgregory.net/rapid"
)

// TestMessagesOfResizesAreUpstreams compares the messages of events about any pod with the kubelet's.
func TestMessagesOfResizesAreUpstreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := &corev1.Pod{}
		list := func(what string) (all []corev1.Container) {
			for range rapid.IntRange(0, 3).Draw(t, what) {
				all = append(all, corev1.Container{
					Name:      rapid.SampledFrom([]string{"a", "b-c"}).Draw(t, "name"),
					Resources: requirements(rapid.SampledFrom([]string{"", "100m/", "/32Mi", "1/1Gi", "0.5/1000000"}).Draw(t, "resources")),
				})
			}
			return all
		}
		pod.Spec.InitContainers, pod.Spec.Containers = list("init containers"), list("containers")
		generation, wrong := rapid.Int64Range(0, 3).Draw(t, "generation"), rapid.SampledFrom([]string{"", `no "room" & <more>`}).Draw(t, "error")
		for want, got := range map[string]string{
			events.PodResizeStartedMsg(logr.Discard(), pod, generation):                    resizeMessage("Pod resize started", pod, generation, ""),
			events.PodResizeCompletedMsg(logr.Discard(), pod, generation):                  resizeMessage("Pod resize completed", pod, generation, ""),
			events.PodResizeErrorMsg(logr.Discard(), pod, generation, wrong):               resizeMessage("Pod resize error", pod, generation, wrong),
			events.PodResizePendingMsg(logr.Discard(), pod, "Deferred", wrong, generation): resizeMessage("Pod resize Deferred", pod, generation, wrong),
		} {
			if got != want {
				t.Errorf("the message is\n  %s, upstream's\n  %s", got, want)
			}
		}
	})
}
