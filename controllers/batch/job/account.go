package job

import (
	"slices"
	"time"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/indexset"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// account is a Job with its pods sorted.
type account struct {
	job *obatchv1.Job
	now time.Time

	// pods are all that the Job controls.
	pods []*ocorev1.Pod
	// active are those that run or are about to, and terminating those that are being deleted and still run.
	active, terminating []*ocorev1.Pod
	// succeeded and failed are those with the finalizer that have ended so and are not written down yet. Some failures are not to be
	// counted: see [account.counted].
	succeeded, failed []*ocorev1.Pod

	// completed and broken are the indexes that have succeeded and failed, those that are not written down yet among them. They are
	// empty unless the Job is Indexed, and broken also unless indexes have limits of their own.
	completed, broken indexset.Set
	// last are the failed pods by which replacements of them know how often their indexes have failed; see [account.retained].
	last map[int]*ocorev1.Pod
}

func newAccount(job *obatchv1.Job, pods []*ocorev1.Pod, now time.Time) *account {
	a := &account{job: job, now: now, pods: pods}
	written := uncounted(job)
	for _, pod := range pods {
		switch {
		case replicas.Active(pod):
			a.active = append(a.active, pod)
		case replicas.Terminating(pod):
			a.terminating = append(a.terminating, pod)
		}
		switch {
		case !tracked(pod):
		case pod.Status.Phase == corev1.PodSucceeded && !slices.Contains(written.Succeeded, pod.UID):
			a.succeeded = append(a.succeeded, pod)
		case a.hasFailed(pod) && !slices.Contains(written.Failed, pod.UID):
			a.failed = append(a.failed, pod)
		}
	}
	a.sortIndexes()
	return a
}

// tracked reports that a pod is not counted yet.
func tracked(pod *ocorev1.Pod) bool {
	return controllerutil.ContainsFinalizer(pod, batchv1.JobTrackingFinalizer)
}

func uncounted(job *obatchv1.Job) batchv1.UncountedTerminatedPods {
	return ptr.Deref(job.Status.UncountedTerminatedPods, batchv1.UncountedTerminatedPods{})
}

func (a *account) indexed() bool {
	return ptr.Deref(a.job.Spec.CompletionMode, batchv1.NonIndexedCompletion) == batchv1.IndexedCompletion
}

func (a *account) limitsIndexes() bool { return a.indexed() && a.job.Spec.BackoffLimitPerIndex != nil }

func (a *account) suspended() bool { return ptr.Deref(a.job.Spec.Suspend, false) }

// awaitsFailure reports that a pod which is being deleted still counts as running.
func (a *account) awaitsFailure() bool {
	return ptr.Deref(a.job.Spec.PodReplacementPolicy, batchv1.TerminatingOrFailed) == batchv1.Failed
}

// hasFailed reports that a pod has failed, or is not given the time to. One that is stopped because enough have succeeded has not, nor
// has one that goes along with its Job.
func (a *account) hasFailed(pod *ocorev1.Pod) bool {
	v := a.verdictWritten()
	switch {
	case pod.DeletionTimestamp != nil && v != nil && !v.failed():
		return false
	case pod.Status.Phase == corev1.PodFailed:
		return true
	case a.job.DeletionTimestamp != nil:
		return replicas.Terminating(pod) && v.failed()
	default:
		return replicas.Terminating(pod) && (!a.awaitsFailure() || v.failed())
	}
}

// counted reports that a failure of a pod counts.
func (a *account) counted(pod *ocorev1.Pod) bool {
	action, _ := match(a.job.Spec.PodFailurePolicy, pod)
	return action != batchv1.PodFailurePolicyActionIgnore
}

// successes and failures are how many there have been, those that are not written down yet among them.
func (a *account) successes() int {
	if a.indexed() {
		return a.completed.Len()
	}
	return int(a.job.Status.Succeeded) + len(uncounted(a.job).Succeeded) + len(a.succeeded)
}

func (a *account) failures() int {
	n := int(a.job.Status.Failed) + len(uncounted(a.job).Failed)
	for _, pod := range a.failed {
		if a.counted(pod) {
			n++
		}
	}
	return n
}

func ready(pods []*ocorev1.Pod) int32 {
	n := int32(0)
	for _, pod := range pods {
		if replicas.Ready(pod) {
			n++
		}
	}
	return n
}

// trackedUIDs are the UIDs of the pods that have the finalizer.
func (a *account) trackedUIDs() map[types.UID]bool {
	uids := map[types.UID]bool{}
	for _, pod := range a.pods {
		if tracked(pod) {
			uids[pod.UID] = true
		}
	}
	return uids
}
