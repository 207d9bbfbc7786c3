package job

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// report is the status, and the pods whose finalizers may go once it is written.
func (a *account) report(v *verdict) (s batchv1.JobStatus, released []*ocorev1.Pod) {
	s = *a.job.Status.DeepCopy()
	terminating, ready := int32(len(a.terminating)), ready(a.active)
	s.Active, s.Terminating, s.Ready = int32(len(a.active)), &terminating, &ready
	released = a.count(&s, v)
	a.begin(&s, v)
	if v == nil {
		return s, released
	}
	s.Conditions = says(s.Conditions, v.kind, corev1.ConditionTrue, v.reason, v.message, a.now)
	if len(released) == 0 && a.quiet(s) {
		s.Conditions = says(s.Conditions, v.final(), corev1.ConditionTrue, v.reason, v.message, a.now)
		if !v.failed() {
			end := metav1.NewTime(a.now)
			s.CompletionTime = &end
		}
	}
	return s, released
}

// quiet reports that no pod runs any more and that all are counted.
func (a *account) quiet(s batchv1.JobStatus) bool {
	rest := s.UncountedTerminatedPods
	return len(a.active)+len(a.terminating)+len(rest.Succeeded)+len(rest.Failed) == 0
}

// begin dates the beginning: the Job's first, or its latest since it was suspended, while which it has none.
func (a *account) begin(s *batchv1.JobStatus, v *verdict) {
	now := metav1.NewTime(a.now)
	if v == nil && a.job.DeletionTimestamp == nil {
		switch was := conditionsof.Job.True(s.Conditions, batchv1.JobSuspended); {
		case a.suspended() && !was:
			s.Conditions = says(s.Conditions, batchv1.JobSuspended, corev1.ConditionTrue, reasonIsSuspended, "Job suspended", a.now)
			s.StartTime = nil
		case !a.suspended() && was:
			s.Conditions = says(s.Conditions, batchv1.JobSuspended, corev1.ConditionFalse, reasonIsResumed, "Job resumed", a.now)
			s.StartTime = &now
		}
	}
	if s.StartTime == nil && !a.suspended() {
		s.StartTime = &now
	}
}

// says is conditions with one of a kind, which is dated anew only if it says something new.
func says(conditions []batchv1.JobCondition, kind batchv1.JobConditionType, status corev1.ConditionStatus, reason, message string, now time.Time) []batchv1.JobCondition {
	if c, found := conditionsof.Job.Find(conditions, kind); found && c.Status == status && c.Reason == reason && c.Message == message {
		return conditions
	}
	return conditionsof.Job.Set(conditions, batchv1.JobCondition{
		Type: kind, Status: status, Reason: reason, Message: message, LastProbeTime: metav1.NewTime(now),
	}, now)
}

// foresee is the status after pods have been started and stopped.
func foresee(s batchv1.JobStatus, done change) batchv1.JobStatus {
	s = *s.DeepCopy()
	removed, created := int32(len(done.remove)), int32(len(done.create))
	s.Active += created - removed
	*s.Terminating += removed
	*s.Ready -= ready(done.remove)
	return s
}
