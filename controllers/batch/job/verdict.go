package job

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/controllers/internal/indexset"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// verdict is how a Job is to end, while pods of it may still run.
type verdict struct {
	// kind is SuccessCriteriaMet or FailureTarget.
	kind            batchv1.JobConditionType
	reason, message string
}

func (v *verdict) failed() bool { return v != nil && v.kind == batchv1.JobFailureTarget }

// final is the condition that the verdict becomes in the end.
func (v *verdict) final() batchv1.JobConditionType {
	if v.failed() {
		return batchv1.JobFailed
	}
	return batchv1.JobComplete
}

// verdictWritten is the verdict in the status; nil if there is none yet. A success that was written stands, whatever came later.
func (a *account) verdictWritten() *verdict {
	for _, kind := range []batchv1.JobConditionType{batchv1.JobSuccessCriteriaMet, batchv1.JobFailureTarget} {
		if c, found := conditionsof.Job.Find(a.job.Status.Conditions, kind); found && c.Status == corev1.ConditionTrue {
			return &verdict{kind, c.Reason, c.Message}
		}
	}
	return nil
}

// verdict is how the Job is to end; nil while it goes on. What was written stands; then failures come before successes.
func (a *account) verdict() *verdict {
	for _, judge := range []func() *verdict{a.verdictWritten, a.byFailurePolicy, a.byBackoffLimit, a.byDeadline, a.byFailedIndexes, a.bySuccessPolicy, a.byCompletions} {
		if v := judge(); v != nil {
			return v
		}
	}
	return nil
}

func failure(reason, format string, args ...any) *verdict {
	return &verdict{batchv1.JobFailureTarget, reason, fmt.Sprintf(format, args...)}
}

func (a *account) byFailurePolicy() *verdict {
	for _, pod := range a.pods {
		if !a.hasFailed(pod) {
			continue
		}
		if action, why := match(a.job.Spec.PodFailurePolicy, pod); action == batchv1.PodFailurePolicyActionFailJob {
			return failure(batchv1.JobReasonPodFailurePolicy, "%s", why)
		}
	}
	return nil
}

func (a *account) byBackoffLimit() *verdict {
	limit := *a.job.Spec.BackoffLimit
	if a.failures() > int(limit) || a.job.Spec.Template.Spec.RestartPolicy == corev1.RestartPolicyOnFailure && restarts(a.pods) >= max(1, limit) {
		return failure(batchv1.JobReasonBackoffLimitExceeded, "Job has reached the specified backoff limit")
	}
	return nil
}

// restarts are those of all containers of pods that go on.
func restarts(pods []*ocorev1.Pod) int32 {
	n := int32(0)
	for _, pod := range pods {
		if pod.Status.Phase != corev1.PodRunning && pod.Status.Phase != corev1.PodPending {
			continue
		}
		for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
			for i := range statuses {
				n += statuses[i].RestartCount
			}
		}
	}
	return n
}

func (a *account) byDeadline() *verdict {
	if left, limited := a.timeLeft(); limited && left <= 0 {
		return failure(batchv1.JobReasonDeadlineExceeded, "Job was active longer than specified deadline")
	}
	return nil
}

// timeLeft is how long the Job may still run, if that is limited.
func (a *account) timeLeft() (left time.Duration, limited bool) {
	if a.job.Spec.ActiveDeadlineSeconds == nil || a.suspended() {
		return 0, false
	}
	began := a.now
	if a.job.Status.StartTime != nil {
		began = a.job.Status.StartTime.Time
	}
	return time.Duration(*a.job.Spec.ActiveDeadlineSeconds)*time.Second - a.now.Sub(began), true
}

func (a *account) byFailedIndexes() *verdict {
	broken := a.broken.Len()
	switch most := a.job.Spec.MaxFailedIndexes; {
	case broken == 0:
		return nil
	case most != nil && broken > int(*most):
		return failure(batchv1.JobReasonMaxFailedIndexesExceeded, "Job has exceeded the specified maximal number of failed indexes")
	case broken+a.completed.Len() >= a.completions():
		return failure(batchv1.JobReasonFailedIndexes, "Job has failed indexes")
	default:
		return nil
	}
}

func (a *account) bySuccessPolicy() *verdict {
	policy := a.job.Spec.SuccessPolicy
	if policy == nil || !a.indexed() || a.completed.Len() == 0 {
		return nil
	}
	for i, rule := range policy.Rules {
		if a.satisfies(rule) {
			return &verdict{batchv1.JobSuccessCriteriaMet, batchv1.JobReasonSuccessPolicy, fmt.Sprintf("Matched rules at index %d", i)}
		}
	}
	return nil
}

// satisfies reports that so many of the indexes that a rule names have succeeded as it asks for: without a count all, without indexes any.
func (a *account) satisfies(rule batchv1.SuccessPolicyRule) bool {
	done, all := a.completed.Len(), a.completions()
	if rule.SucceededIndexes != nil {
		named, err := indexset.Parse(*rule.SucceededIndexes, a.completions())
		if err != nil || named.Len() == 0 {
			return false
		}
		done, all = named.Common(a.completed), named.Len()
	}
	if rule.SucceededCount != nil {
		return done >= min(int(*rule.SucceededCount), all)
	}
	return rule.SucceededIndexes != nil && done == all
}

// byCompletions is a success when enough pods have succeeded and none runs any more, or is to: a Job that needs no more is not suspended
// but done.
func (a *account) byCompletions() *verdict {
	enough := a.successes() > 0
	if a.job.Spec.Completions != nil {
		enough = a.successes() >= a.completions()
	}
	stopped := a.suspended() && a.job.DeletionTimestamp == nil
	if !enough || len(a.active) > 0 && !stopped {
		return nil
	}
	return &verdict{batchv1.JobSuccessCriteriaMet, batchv1.JobReasonCompletionsReached, "Reached expected number of succeeded pods"}
}
