package job

import (
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/controllers/internal/jobstatus"
	"github.com/orrery-dev/orrery/framework/plan"
	batchv1 "k8s.io/api/batch/v1"
)

// The reasons of events and conditions, as Kubernetes has them. Those of verdicts are the API's.
const (
	reasonUnknownMode = "UnknownCompletionMode"
	reasonCompleted   = "Completed"
	reasonTooMany     = "TooManySucceededPods"
	reasonSuspended   = "Suspended"
	reasonResumed     = "Resumed"
	reasonIsSuspended = "JobSuspended"
	reasonIsResumed   = "JobResumed"
)

// tell tells of what is new in a status.
func tell(p *plan.Plan, a *account, s batchv1.JobStatus) {
	before, after := conditionsof.Job.True(a.job.Status.Conditions, batchv1.JobSuspended), conditionsof.Job.True(s.Conditions, batchv1.JobSuspended)
	switch {
	case after && !before:
		p.Event(a.job, plan.Normal, reasonSuspended, "Job suspended")
	case before && !after:
		p.Event(a.job, plan.Normal, reasonResumed, "Job resumed")
	}
	ended := jobstatus.Finished(with(a.job, s))
	switch {
	case ended == nil:
	case ended.Type == batchv1.JobFailed:
		p.Event(a.job, plan.Warning, ended.Reason, "%s", ended.Message)
	default:
		if a.job.Spec.Completions != nil && s.Succeeded > *a.job.Spec.Completions {
			p.Event(a.job, plan.Warning, reasonTooMany, "Too many succeeded pods running after completion count reached")
		}
		p.Event(a.job, plan.Normal, reasonCompleted, "Job completed")
	}
}
