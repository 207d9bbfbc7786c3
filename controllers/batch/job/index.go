package job

import (
	"strconv"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/indexset"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/utils/ptr"
)

// indexOf is the completion index of a pod; false where it has none, or one that the Job does not have (any more).
func (a *account) indexOf(pod *ocorev1.Pod) (int, bool) {
	index, err := strconv.Atoi(pod.Annotations[batchv1.JobCompletionIndexAnnotation])
	return index, err == nil && index >= 0 && index < a.completions()
}

func (a *account) completions() int { return int(ptr.Deref(a.job.Spec.Completions, 0)) }

// writtenIndexes are those in the status. What is no index there was never written here, and does not count.
func (a *account) writtenIndexes() (completed, broken indexset.Set) {
	completed, _ = indexset.Parse(a.job.Status.CompletedIndexes, a.completions())
	broken, _ = indexset.Parse(ptr.Deref(a.job.Status.FailedIndexes, ""), a.completions())
	return completed, broken
}

// sortIndexes finds out which indexes have succeeded and failed.
func (a *account) sortIndexes() {
	if !a.indexed() {
		return
	}
	a.completed, a.broken = a.writtenIndexes()
	a.completed = a.completed.Union(a.indexesOf(a.succeeded))
	if !a.limitsIndexes() {
		a.broken = indexset.Set{}
		return
	}
	var broken []int
	for _, pod := range a.failed {
		if index, ok := a.indexOf(pod); ok && a.breaks(pod) {
			broken = append(broken, index)
		}
	}
	a.broken = a.broken.Union(indexset.Of(broken...))
	a.last = a.retained()
}

// indexesOf are the indexes of pods that have one.
func (a *account) indexesOf(pods []*ocorev1.Pod) indexset.Set {
	var indexes []int
	for _, pod := range pods {
		if index, ok := a.indexOf(pod); ok {
			indexes = append(indexes, index)
		}
	}
	return indexset.Of(indexes...)
}

// breaks reports that with a failed pod its index has failed: a rule says so, or it failed too often. One that is stopped because the
// Job has failed counts as a failed pod; its index has not had its chances.
func (a *account) breaks(pod *ocorev1.Pod) bool {
	if pod.DeletionTimestamp != nil && a.verdictWritten().failed() {
		return false
	}
	action, _ := match(a.job.Spec.PodFailurePolicy, pod)
	switch action {
	case batchv1.PodFailurePolicyActionFailIndex:
		return true
	case batchv1.PodFailurePolicyActionIgnore:
		return false
	default:
		return failuresBefore(pod, batchv1.JobIndexFailureCountAnnotation) >= int(*a.job.Spec.BackoffLimitPerIndex)
	}
}

// failuresBefore is how many pods of its index failed before a pod was made, counted or ignored by annotation.
func failuresBefore(pod *ocorev1.Pod, annotation string) int {
	n, err := strconv.Atoi(pod.Annotations[annotation])
	if err != nil {
		return 0
	}
	return max(0, n)
}

// allFailures is how many pods of its index have failed with a failed pod.
func allFailures(pod *ocorev1.Pod) int {
	return failuresBefore(pod, batchv1.JobIndexFailureCountAnnotation) + failuresBefore(pod, batchv1.JobIndexIgnoredFailureCountAnnotation) + 1
}

// retained are the latest failed pods of the indexes that are to be tried again, where indexes have limits of their own. They keep the
// finalizer until there is a pod in their place: it has the count of failures from them.
func (a *account) retained() map[int]*ocorev1.Pod {
	running := a.indexesOf(a.active)
	latest := map[int]*ocorev1.Pod{}
	for _, pod := range a.failed {
		index, ok := a.indexOf(pod)
		if !ok || a.completed.Has(index) || a.broken.Has(index) || running.Has(index) {
			continue
		}
		if before := latest[index]; before == nil || allFailures(before) <= allFailures(pod) && !endOf(pod).Before(endOf(before)) {
			latest[index] = pod
		}
	}
	return latest
}
