package ttlafterfinished

import (
	"errors"
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

// TestJobsGoWhenTheirTimeIsOver lets Jobs end and have their times changed, under both namings: none goes early, by the time that it
// had then, and none lies about for longer.
func TestJobsGoWhenTheirTimeIsOver(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{gen.Job("short", lives(5)), gen.Job("long", lives(60)), gen.Job("forever")}
			},
			Change:     endOrChange,
			Invariants: []looptest.Invariant{neverEarly},
			Converged:  noneIsLeft,
		})
	})
}

func endOrChange(t *rapid.T, w *looptest.World) {
	jobs := looptest.All[*obatchv1.Job](w)
	job := jobs[rapid.IntRange(0, len(jobs)-1).Draw(t, "job")]
	if rapid.Bool().Draw(t, "ends") {
		if jobstatus.Finished(job) != nil {
			return
		}
		looptest.Edit(w, "job-controller", job, func(job *obatchv1.Job) {
			job.Status.Conditions = []batchv1.JobCondition{{
				Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(w.Now()),
			}}
		})
		return
	}
	seconds := rapid.Int32Range(0, 30).Draw(t, "seconds")
	looptest.Edit(w, "user", job, func(job *obatchv1.Job) {
		if job.Spec.TTLSecondsAfterFinished != nil {
			job.Spec.TTLSecondsAfterFinished = &seconds
		}
	})
}

func neverEarly(w *looptest.World, wrote looptest.Write) error {
	job, ok := wrote.Before.(*obatchv1.Job)
	if !ok || wrote.Verb != "delete" {
		return nil
	}
	at := jobstatus.FinishedAt(job)
	switch {
	case job.Spec.TTLSecondsAfterFinished == nil || at.IsZero():
		return errors.New("the Job was not to be deleted")
	case w.Now().Before(at.Add(time.Duration(*job.Spec.TTLSecondsAfterFinished) * time.Second)):
		return fmt.Errorf("the Job was over at %s, and is deleted at %s", at, w.Now())
	default:
		return nil
	}
}

func noneIsLeft(w *looptest.World) error {
	for _, job := range looptest.All[*obatchv1.Job](w) {
		if job.Spec.TTLSecondsAfterFinished != nil && jobstatus.Finished(job) != nil && job.DeletionTimestamp == nil {
			return fmt.Errorf("Job %s is left", job.Name)
		}
	}
	return nil
}
