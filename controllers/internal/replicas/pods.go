package replicas

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	corev1 "k8s.io/api/core/v1"
)

// Active reports that a pod counts as a replica: it has not ended and is not being deleted.
func Active(pod *ocorev1.Pod) bool { return !Ended(pod) && pod.DeletionTimestamp == nil }

// Terminating reports that a pod is being deleted and has not ended yet.
func Terminating(pod *ocorev1.Pod) bool { return !Ended(pod) && pod.DeletionTimestamp != nil }

// Ended reports that all containers of a pod have ended for good.
func Ended(pod *ocorev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// Ready reports that a pod has the condition Ready.
func Ready(pod *ocorev1.Pod) bool {
	_, ready := Readiness(pod)
	return ready
}

// Readiness reports whether a pod is ready, and since when it is or is not; the zero time, where its condition does not
// say.
func Readiness(pod *ocorev1.Pod) (time.Time, bool) {
	ready, _ := conditionsof.Pod.Find(pod.Status.Conditions, corev1.PodReady)
	return ready.LastTransitionTime.Time, ready.Status == corev1.ConditionTrue
}

// Available reports that a pod has been ready for minReadySeconds.
func Available(pod *ocorev1.Pod, minReadySeconds int32, now time.Time) bool {
	since, ready := Readiness(pod)
	if !ready || minReadySeconds == 0 {
		return ready
	}
	return !since.IsZero() && !since.Add(seconds(minReadySeconds)).After(now)
}

// UntilAvailable is the shortest time until another of the pods becomes available by staying ready; false means that
// none is on its way.
func UntilAvailable(pods []*ocorev1.Pod, minReadySeconds int32, now time.Time) (time.Duration, bool) {
	if minReadySeconds == 0 {
		return 0, false
	}
	var shortest time.Duration
	for _, pod := range pods {
		since, ready := Readiness(pod)
		if !ready || since.IsZero() {
			continue
		}
		if left := since.Add(seconds(minReadySeconds)).Sub(now); left > 0 && (shortest == 0 || left < shortest) {
			shortest = left
		}
	}
	return shortest, shortest > 0
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }
