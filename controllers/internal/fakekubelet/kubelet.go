package fakekubelet

import (
	"context"
	"strings"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// BrokenImage is one that runs and never gets ready.
const BrokenImage = "broken"

// DeletesGracefully prepares a world in which pods take their time to end, as with a kubelet.
func DeletesGracefully(w *looptest.World) {
	w.Graceful = func(obj client.Object) bool {
		_, isPod := obj.(*ocorev1.Pod)
		return isPod
	}
}

// Sync takes one step for the pod that pick chooses: it starts on a node, gets ready, or has ended and goes. It reports
// whether there was anything to do.
func Sync(w *looptest.World, pick func(n int) int) bool {
	var steps []func()
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if step := next(w, pod); step != nil {
			steps = append(steps, step)
		}
	}
	if len(steps) == 0 {
		return false
	}
	steps[pick(len(steps))]()
	return true
}

// next is what happens to a pod next; nil means nothing.
func next(w *looptest.World, pod *ocorev1.Pod) func() {
	edit := func(change func(*ocorev1.Pod)) func() {
		return func() { looptest.Edit(w, "kubelet", pod, change) }
	}
	switch {
	case pod.DeletionTimestamp != nil:
		return func() { end(w, "kubelet", pod, client.GracePeriodSeconds(0)) }
	case replicas.Ended(pod):
		return nil
	case pod.Status.Phase != corev1.PodRunning:
		return edit(func(pod *ocorev1.Pod) { pod.Spec.NodeName, pod.Status.Phase = "node", corev1.PodRunning })
	case len(pod.Status.Conditions) == 0 && !strings.Contains(pod.Spec.Containers[0].Image, BrokenImage):
		return edit(func(pod *ocorev1.Pod) {
			pod.Status.Conditions = []corev1.PodCondition{{
				Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(w.Now()),
			}}
		})
	default:
		return nil
	}
}

// end deletes a pod on behalf of somebody. One that is gone is left alone.
func end(w *looptest.World, by string, pod *ocorev1.Pod, options ...client.DeleteOption) {
	if err := w.Client(by).Delete(context.Background(), pod, options...); client.IgnoreNotFound(err) != nil {
		panic(err) // a world refuses nothing that it was not told to
	}
}
