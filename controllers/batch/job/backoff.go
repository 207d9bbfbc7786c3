package job

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

const (
	firstBackoff = 10 * time.Second
	mostBackoff  = 10 * time.Minute
)

// backoff is how long to wait after so many failures in a row.
func backoff(failures int) time.Duration {
	if failures == 0 {
		return 0
	}
	return min(firstBackoff<<min(failures-1, 10), mostBackoff)
}

// untilRetry is how long pods in the place of failed ones have to wait: it counts the failures since the last success.
func (a *account) untilRetry() time.Duration {
	var succeeded, failed time.Time
	for _, pod := range a.pods {
		if end := endOf(pod); pod.Status.Phase == corev1.PodSucceeded && end.After(succeeded) {
			succeeded = end
		}
	}
	failures := 0
	for _, pod := range a.pods {
		if end := endOf(pod); a.hasFailed(pod) && end.After(succeeded) {
			failures++
			failed = later(failed, end)
		}
	}
	return failed.Add(backoff(failures)).Sub(a.now)
}

// untilRetryOf is how long the pod in the place of a failed one of its index has to wait.
func (a *account) untilRetryOf(failed *ocorev1.Pod) time.Duration {
	return endOf(failed).Add(backoff(allFailures(failed))).Sub(a.now)
}

// endOf is when a pod ended, as well as can be told: by its containers, by when it was not ready any more, by its deletion.
func endOf(pod *ocorev1.Pod) time.Time {
	if end := lastEnd(pod); !end.IsZero() {
		return end
	}
	if since, ready := replicas.Readiness(pod); !ready && !since.IsZero() {
		return since
	}
	if pod.DeletionTimestamp != nil {
		return pod.DeletionTimestamp.Add(-time.Duration(ptr.Deref(pod.DeletionGracePeriodSeconds, 0)) * time.Second)
	}
	return pod.CreationTimestamp.Time
}

// lastEnd is when the last container of a pod ended; zero if one has not, or does not say.
func lastEnd(pod *ocorev1.Pod) time.Time {
	var last time.Time
	for i := range pod.Status.ContainerStatuses {
		ended := pod.Status.ContainerStatuses[i].State.Terminated
		if ended == nil || ended.FinishedAt.IsZero() {
			return time.Time{}
		}
		last = later(last, ended.FinishedAt.Time)
	}
	return last
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
