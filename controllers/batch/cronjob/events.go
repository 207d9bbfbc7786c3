package cronjob

import (
	"strings"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The reasons of events, as Kubernetes has them.
const (
	reasonCreated         = "SuccessfulCreate"
	reasonNotCreated      = "FailedCreate"
	reasonDeleted         = "SuccessfulDelete"
	reasonNotDeleted      = "FailedDelete"
	reasonCompleted       = "SawCompletedJob"
	reasonMissing         = "MissingJob"
	reasonUnexpected      = "UnexpectedJob"
	reasonActive          = "JobAlreadyActive"
	reasonMissed          = "MissSchedule"
	reasonTooMany         = "TooManyMissedTimes"
	reasonUnknownTimeZone = "UnknownTimeZone"
	reasonUnsupported     = "UnsupportedSchedule"
	reasonUnparseable     = "UnparseableSchedule"
	reasonInvalid         = "InvalidSchedule"
)

func create(p *plan.Plan, why string, cron *obatchv1.CronJob, job *obatchv1.Job) {
	p.Create(why, job).OwnedBy(cron).
		Succeeded(func(job client.Object) plan.Event {
			return plan.Event{Regarding: cron, Type: plan.Normal, Reason: reasonCreated, Message: "Created job " + job.GetName()}
		}).
		Failed(func(_ client.Object, err error) plan.Event {
			return plan.Event{Regarding: cron, Type: plan.Warning, Reason: reasonNotCreated, Message: "Error creating job: " + err.Error()}
		})
}

func remove(p *plan.Plan, why string, cron *obatchv1.CronJob, jobs []*obatchv1.Job) {
	plan.DeleteAll(p, why, jobs).
		Succeeded(func(job client.Object) plan.Event {
			return plan.Event{Regarding: cron, Type: plan.Normal, Reason: reasonDeleted, Message: "Deleted job " + job.GetName()}
		}).
		Failed(func(_ client.Object, err error) plan.Event {
			return plan.Event{Regarding: cron, Type: plan.Warning, Reason: reasonNotDeleted, Message: "Deleted job: " + err.Error()}
		})
}

// unsupported tells of a time zone in the schedule itself, which works by chance.
func unsupported(p *plan.Plan, cron *obatchv1.CronJob) {
	if strings.Contains(cron.Spec.Schedule, "TZ") {
		p.EventOnce(cron, plan.Warning, reasonUnsupported, "CRON_TZ or TZ used in schedule %q is not officially supported, "+
			"see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details", cron.Spec.Schedule)
	}
}
