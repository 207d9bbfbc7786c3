package cronjob

import (
	"errors"
	"fmt"
	"time"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	"github.com/orrery-dev/orrery/controllers/internal/cronschedule"
	"github.com/orrery-dev/orrery/framework/plan"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/utils/ptr"
)

// skew is how much later than due a Job is made, for clocks that differ a little.
const skew = 100 * time.Millisecond

// Plan clears away old Jobs, reports, and makes the Job that is due. What it replaces it stops listing before it deletes it: else that
// would be missed if the status could not be written.
func (Controller) Plan(cron *obatchv1.CronJob, w world, now time.Time) *plan.Plan {
	p := plan.New()
	tidy(p, cron, w, batchv1.JobComplete, cron.Spec.SuccessfulJobsHistoryLimit)
	tidy(p, cron, w, batchv1.JobFailed, cron.Spec.FailedJobsHistoryLimit)
	var due *obatchv1.Job
	var replaced []*obatchv1.Job
	switch schedule, ok := scheduleOf(p, cron); {
	case !ok || cron.DeletionTimestamp != nil:
	case ptr.Deref(cron.Spec.Suspend, false):
		p.Because("it is suspended")
	default:
		due, replaced = serve(p, cron, w, schedule, now)
	}
	report(p, cron, w, replaced)
	if due != nil {
		remove(p, "another one is due, which replaces it", cron, replaced)
		create(p, fmt.Sprintf("it is due since %s", madeFor(cron, due).UTC().Format(time.DateTime)), cron, due)
	}
	return p
}

// tidy deletes the oldest Jobs that ended by a condition, if there are more than may be kept. Nil keeps all.
func tidy(p *plan.Plan, cron *obatchv1.CronJob, w world, kind batchv1.JobConditionType, limit *int32) {
	ended := w.history(kind)
	if limit == nil || len(ended) <= int(*limit) {
		return
	}
	remove(p, fmt.Sprintf("%d Jobs have ended as %s, %d are kept", len(ended), kind, *limit), cron, ended[:len(ended)-int(*limit)])
}

// scheduleOf reads the schedule. One that makes no sense is for a person to mend, who is told.
func scheduleOf(p *plan.Plan, cron *obatchv1.CronJob) (cronschedule.Schedule, bool) {
	unsupported(p, cron)
	schedule, err := cronschedule.Parse(cron.Spec.Schedule, cron.Spec.TimeZone)
	switch {
	case errors.Is(err, cronschedule.ErrUnknownTimeZone):
		p.EventOnce(cron, plan.Warning, reasonUnknownTimeZone, "invalid timeZone: %q: %v", *cron.Spec.TimeZone, err)
	case err != nil:
		p.EventOnce(cron, plan.Warning, reasonUnparseable, "unparseable schedule: %q : %v", cron.Spec.Schedule, err)
	}
	return schedule, err == nil
}

// serve is the Job of the latest time that has passed, if it may still run, and those that run and are to go in its favor. It looks again
// when the next one is due.
func serve(p *plan.Plan, cron *obatchv1.CronJob, w world, schedule cronschedule.Schedule, now time.Time) (made *obatchv1.Job, replaced []*obatchv1.Job) {
	served := w.served(cron)
	due := schedule.Due(served, nil, now)
	if due.Next.IsZero() {
		p.EventOnce(cron, plan.Warning, reasonInvalid, "invalid schedule: %s : no time ever matches it", cron.Spec.Schedule)
		return nil, nil
	}
	p.After(due.Next.Add(skew).Sub(now), "the next Job is due")
	if due.Last.IsZero() {
		return nil, nil
	}
	inTime := schedule.Due(served, cron.Spec.StartingDeadlineSeconds, now)
	running := w.running(cron)
	switch {
	case inTime.Last.IsZero():
		p.EventOnce(cron, plan.Warning, reasonMissed, "Missed scheduled time to start a job: %s", due.Last.UTC().Format(time.RFC1123Z))
		return nil, nil
	case cron.Spec.ConcurrencyPolicy == batchv1.ForbidConcurrent && len(running) > 0:
		p.EventOnce(cron, plan.Normal, reasonActive, "Not starting job because prior execution is running and concurrency policy is Forbid")
		return nil, nil
	case inTime.Missed > cronschedule.Many:
		p.EventOnce(cron, plan.Warning, reasonTooMany, "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew")
	}
	if cron.Spec.ConcurrencyPolicy == batchv1.ReplaceConcurrent {
		replaced = running
	}
	return jobFor(cron, due.Last), replaced
}
