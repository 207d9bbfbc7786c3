package cronjob

import (
	"fmt"
	"maps"
	"slices"
	"time"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	"github.com/orrery-dev/orrery/controllers/internal/jobstatus"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// nameFor is the name of a CronJob's Job for a time.
func nameFor(cron *obatchv1.CronJob, at time.Time) string {
	return fmt.Sprintf("%s-%d", cron.Name, at.Unix()/60)
}

// madeFor is the time that a Job is for; zero for one that was not made here.
func madeFor(cron *obatchv1.CronJob, job *obatchv1.Job) time.Time {
	at, err := time.Parse(time.RFC3339, job.Annotations[batchv1.CronJobScheduledTimestampAnnotation])
	if err != nil || job.Name != nameFor(cron, at) {
		return time.Time{}
	}
	return at
}

// jobFor is a CronJob's Job for a time, which it says in the CronJob's time zone.
func jobFor(cron *obatchv1.CronJob, at time.Time) *obatchv1.Job {
	zone, err := time.LoadLocation(ptr.Deref(cron.Spec.TimeZone, ""))
	if err != nil { // no time is due in a zone that nobody knows
		zone = time.UTC
	}
	template := cron.Spec.JobTemplate.DeepCopy()
	annotations := maps.Clone(template.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[batchv1.CronJobScheduledTimestampAnnotation] = at.In(zone).Format(time.RFC3339)
	return &obatchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: cron.Namespace, Name: nameFor(cron, at), Labels: template.Labels, Annotations: annotations,
		},
		Spec: template.Spec,
	}
}

// running are the CronJob's Jobs that have not ended, without those that somebody else made. One that is deleted to be replaced does
// not count any more.
func (w world) running(cron *obatchv1.CronJob) []*obatchv1.Job {
	replaced := func(job *obatchv1.Job) bool {
		return cron.Spec.ConcurrencyPolicy == batchv1.ReplaceConcurrent && job.DeletionTimestamp != nil
	}
	var running []*obatchv1.Job
	for _, job := range w.jobs {
		if jobstatus.Finished(job) == nil && !replaced(job) && (listed(cron, job) || !madeFor(cron, job).IsZero()) {
			running = append(running, job)
		}
	}
	return running
}

func listed(cron *obatchv1.CronJob, job *obatchv1.Job) bool {
	return slices.ContainsFunc(cron.Status.Active, func(ref corev1.ObjectReference) bool { return ref.UID == job.UID })
}

// served is the last time that there was a Job for; where there was none, when the CronJob was made.
func (w world) served(cron *obatchv1.CronJob) time.Time {
	served := cron.CreationTimestamp.Time
	if last := cron.Status.LastScheduleTime; last != nil {
		served = last.Time
	}
	for _, job := range w.jobs {
		if at := madeFor(cron, job); at.After(served) {
			served = at
		}
	}
	return served
}

// history are the Jobs that ended by a condition and are not being deleted, the one that began first first.
func (w world) history(kind batchv1.JobConditionType) []*obatchv1.Job {
	var ended []*obatchv1.Job
	for _, job := range w.jobs {
		if finished := jobstatus.Finished(job); finished != nil && finished.Type == kind && job.DeletionTimestamp == nil {
			ended = append(ended, job)
		}
	}
	slices.SortStableFunc(ended, func(a, b *obatchv1.Job) int { return began(a).Compare(began(b)) })
	return ended
}

// began is when a Job began; one that never did is younger than any.
func began(job *obatchv1.Job) time.Time {
	if job.Status.StartTime == nil {
		return time.Unix(1<<40, 0)
	}
	return job.Status.StartTime.Time
}
