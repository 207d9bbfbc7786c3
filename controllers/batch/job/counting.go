package job

import (
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// batch is how many pods are created, deleted or counted in one pass at most.
const batch = 500

// count brings the numbers of a status up to date: what was written down and has lost its finalizer becomes a number, and what has ended
// is written down. It returns the pods of which all is written, whose finalizers may go.
func (a *account) count(s *batchv1.JobStatus, v *verdict) (released []*ocorev1.Pod) {
	settle(s, a.trackedUIDs())
	written := uncounted(a.job)
	if s.UncountedTerminatedPods != nil {
		written = *s.UncountedTerminatedPods.DeepCopy()
	}
	completed, _ := a.writtenIndexes()
	for _, pod := range a.pods {
		if !tracked(pod) || !a.releasable(pod, v) {
			continue
		}
		released = append(released, pod)
		_, hasIndex := a.indexOf(pod)
		switch {
		case slices.Contains(written.Succeeded, pod.UID) || slices.Contains(written.Failed, pod.UID):
		case pod.Status.Phase == corev1.PodSucceeded && a.indexed():
			completed = completed.Union(a.indexesOf([]*ocorev1.Pod{pod}))
		case pod.Status.Phase == corev1.PodSucceeded:
			written.Succeeded = append(written.Succeeded, pod.UID)
		case (a.hasFailed(pod) || v.failed()) && (hasIndex || !a.indexed()) && a.counted(pod):
			written.Failed = append(written.Failed, pod.UID)
		}
		if len(released) == batch {
			break
		}
	}
	s.UncountedTerminatedPods = &written
	if a.indexed() {
		s.CompletedIndexes, s.Succeeded = completed.String(), int32(completed.Len())
	}
	if a.limitsIndexes() {
		broken := a.broken.String()
		s.FailedIndexes = &broken
	}
	return released
}

// releasable reports that nothing more is to be learned of a pod.
func (a *account) releasable(pod *ocorev1.Pod, v *verdict) bool {
	switch {
	case pod.Status.Phase == corev1.PodSucceeded:
		return true
	case a.job.DeletionTimestamp != nil || v != nil:
		return a.hasFailed(pod) || pod.DeletionTimestamp != nil
	default:
		return a.hasFailed(pod) && !a.retains(pod)
	}
}

// retains reports that a failed pod has to stay until there is one in its place.
func (a *account) retains(pod *ocorev1.Pod) bool {
	index, ok := a.indexOf(pod)
	return ok && a.last[index] != nil && a.last[index].UID == pod.UID
}

// settle makes numbers of the pods that are written down and have no finalizer any more.
func settle(s *batchv1.JobStatus, tracked map[types.UID]bool) {
	if s.UncountedTerminatedPods == nil {
		return
	}
	rest := batchv1.UncountedTerminatedPods{}
	for _, uid := range s.UncountedTerminatedPods.Succeeded {
		if tracked[uid] {
			rest.Succeeded = append(rest.Succeeded, uid)
		} else {
			s.Succeeded++
		}
	}
	for _, uid := range s.UncountedTerminatedPods.Failed {
		if tracked[uid] {
			rest.Failed = append(rest.Failed, uid)
		} else {
			s.Failed++
		}
	}
	s.UncountedTerminatedPods = &rest
}
