package cronjob

import (
	"fmt"
	"testing"
	"time"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/jobstatus"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestEachTimeIsServedOnce lets time pass, Jobs end and users pause, under both namings: no time has two Jobs, two Jobs never run
// under Forbid, and few are kept in the end.
func TestEachTimeIsServedOnce(t *testing.T) {
	for _, concurrency := range []batchv1.ConcurrencyPolicy{batchv1.AllowConcurrent, batchv1.ForbidConcurrent, batchv1.ReplaceConcurrent} {
		t.Run(string(concurrency), func(t *testing.T) {
			gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
				looptest.Check(t, looptest.Spec{
					CurrentLists: true, // as in our managers: see loop.NewInformer
					Scheme:       scheme,
					Loops:        []loop.Loop{Loop()},
					Start: func(*rapid.T) []client.Object {
						cron := gen.CronJob("sums", "* * * * *", policy(concurrency))
						cron.CreationTimestamp = metav1.NewTime(time.Date(2025, time.December, 31, 23, 0, 0, 0, time.UTC))
						return []client.Object{cron}
					},
					Change:      resumeOrEnd,
					Environment: pause,
					Invariants:  []looptest.Invariant{eachTimeOnce, oneAtATime},
					Converged:   fewAreKept,
				})
			})
		})
	}
}

// resumeOrEnd ends a Job, or resumes the CronJob with another schedule.
func resumeOrEnd(t *rapid.T, w *looptest.World) {
	cron := looptest.All[*obatchv1.CronJob](w)[0]
	if rapid.Bool().Draw(t, "resumes") {
		schedule := rapid.SampledFrom([]string{"* * * * *", "*/7 * * * *", "@every 3m"}).Draw(t, "schedule")
		looptest.Edit(w, "user", cron, func(cron *obatchv1.CronJob) {
			no := false
			cron.Spec.Suspend, cron.Spec.Schedule = &no, schedule
		})
		return
	}
	for _, job := range looptest.All[*obatchv1.Job](w) {
		if jobstatus.Finished(job) != nil {
			continue
		}
		kind := rapid.SampledFrom([]batchv1.JobConditionType{batchv1.JobComplete, batchv1.JobFailed}).Draw(t, "kind")
		looptest.Edit(w, "job-controller", job, func(job *obatchv1.Job) {
			now := metav1.NewTime(w.Now())
			job.Status.StartTime, job.Status.CompletionTime = &now, &now
			job.Status.Conditions = []batchv1.JobCondition{{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now}}
		})
		return
	}
}

// pause suspends the CronJob: a world in which something is due again and again never comes to rest.
func pause(w *looptest.World, _ func(int) int) bool {
	cron := looptest.All[*obatchv1.CronJob](w)[0]
	if *cron.Spec.Suspend {
		return false
	}
	looptest.Edit(w, "user", cron, func(cron *obatchv1.CronJob) { yes := true; cron.Spec.Suspend = &yes })
	return true
}

func eachTimeOnce(w *looptest.World, wrote looptest.Write) error {
	created, ok := wrote.After.(*obatchv1.Job)
	if !ok || wrote.Verb != "create" {
		return nil
	}
	cron := looptest.All[*obatchv1.CronJob](w)[0]
	if last := cron.Status.LastScheduleTime; last != nil && !madeFor(cron, created).After(last.Time) {
		return fmt.Errorf("%s has been served, and Job %s is made", last, created.Name)
	}
	return nil
}

func oneAtATime(w *looptest.World, wrote looptest.Write) error {
	cron := looptest.All[*obatchv1.CronJob](w)[0]
	running := 0
	for _, job := range looptest.All[*obatchv1.Job](w) {
		if jobstatus.Finished(job) == nil && job.DeletionTimestamp == nil {
			running++
		}
	}
	if wrote.Verb == "create" && cron.Spec.ConcurrencyPolicy != batchv1.AllowConcurrent && running > 1 {
		return fmt.Errorf("%d Jobs run at a time", running)
	}
	return nil
}

func fewAreKept(w *looptest.World) error {
	cron := looptest.All[*obatchv1.CronJob](w)[0]
	n, running := map[batchv1.JobConditionType]int{}, 0
	for _, job := range looptest.All[*obatchv1.Job](w) {
		if finished := jobstatus.Finished(job); finished != nil {
			n[finished.Type]++
		} else {
			running++
		}
	}
	if n[batchv1.JobComplete] > 3 || n[batchv1.JobFailed] > 1 || len(cron.Status.Active) != running {
		return fmt.Errorf("%v have ended, %d run, and %d are said to", n, running, len(cron.Status.Active))
	}
	return nil
}
