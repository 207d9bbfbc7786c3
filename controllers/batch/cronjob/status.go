package cronjob

import (
	"slices"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	"github.com/orrery-dev/orrery/controllers/internal/jobstatus"
	"github.com/orrery-dev/orrery/framework/plan"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// report plans the status, and tells what has become of Jobs since the last one. Those that are replaced are not missed later.
func report(p *plan.Plan, cron *obatchv1.CronJob, w world, replaced []*obatchv1.Job) {
	reported := cron.DeepCopy()
	reported.Status = status(cron, w, replaced)
	p.Status(cron, reported)
	for _, job := range w.jobs {
		finished := jobstatus.Finished(job)
		switch {
		case finished != nil && listed(cron, job):
			p.Event(cron, plan.Normal, reasonCompleted, "Saw completed job: %s, condition: %v", job.Name, finished.Type)
		case finished == nil && !listed(cron, job) && madeFor(cron, job).IsZero():
			p.EventOnce(cron, plan.Warning, reasonUnexpected, "Saw a job that the controller did not create or forgot: %s", job.Name)
		}
	}
	for _, ref := range w.missing {
		p.Event(cron, plan.Normal, reasonMissing, "Active job went missing: %v", ref.Name)
	}
}

// status says which Jobs run, which time was served last, and when a Job last succeeded.
func status(cron *obatchv1.CronJob, w world, replaced []*obatchv1.Job) batchv1.CronJobStatus {
	s := *cron.Status.DeepCopy()
	s.Active = active(cron, slices.DeleteFunc(w.running(cron), func(job *obatchv1.Job) bool { return slices.Contains(replaced, job) }))
	for _, job := range w.jobs {
		if at := madeFor(cron, job); !at.IsZero() && (s.LastScheduleTime == nil || at.After(s.LastScheduleTime.Time)) {
			last := metav1.NewTime(at).Rfc3339Copy()
			s.LastScheduleTime = &last
		}
		finished, completed := jobstatus.Finished(job), job.Status.CompletionTime
		if finished == nil || finished.Type != batchv1.JobComplete || completed == nil {
			continue
		}
		if s.LastSuccessfulTime == nil || completed.After(s.LastSuccessfulTime.Time) {
			s.LastSuccessfulTime = completed.DeepCopy()
		}
	}
	return s
}

// active refers to Jobs that run. A reference that is there stays as it is, in its place.
func active(cron *obatchv1.CronJob, running []*obatchv1.Job) []corev1.ObjectReference {
	var refs []corev1.ObjectReference
	for _, ref := range cron.Status.Active {
		for _, job := range running {
			if job.UID == ref.UID {
				refs = append(refs, ref)
			}
		}
	}
	for _, job := range running {
		if listed(cron, job) {
			continue
		}
		refs = append(refs, corev1.ObjectReference{
			// A CronJob and its Jobs are of one API group, whatever the naming.
			APIVersion: metav1.GetControllerOfNoCopy(job).APIVersion, Kind: "Job",
			Namespace: job.Namespace, Name: job.Name, UID: job.UID, ResourceVersion: job.ResourceVersion,
		})
	}
	return refs
}
