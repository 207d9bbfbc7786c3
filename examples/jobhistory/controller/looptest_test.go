package controller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apis"
	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	housekeepingv1 "github.com/orrery-dev/orrery/examples/jobhistory/api/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestJobHistories(t *testing.T) {
	for _, naming := range []apis.Naming{apis.Kubernetes, apis.Orrery} {
		t.Run(naming.String(), func(t *testing.T) {
			scheme := runtime.NewScheme()
			if err := errors.Join(apis.AddToScheme(scheme, naming), housekeepingv1.AddToScheme(scheme)); err != nil {
				t.Fatal(err)
			}
			looptest.Check(t, looptest.Spec{
				Scheme:     scheme,
				Loops:      []loop.Loop{Loop()},
				Start:      aHistoryAndSomeJobs,
				Change:     finishOrResize,
				Invariants: []looptest.Invariant{keepsWhatRuns},
				Converged:  noMoreThanKept,
			})
		})
	}
}

func aHistoryAndSomeJobs(t *rapid.T) []client.Object {
	objs := []client.Object{keeping(rapid.Int32Range(0, 3).Draw(t, "keep"), 0)}
	for i := range rapid.IntRange(0, 6).Draw(t, "jobs") {
		job := done(fmt.Sprintf("job-%d", i))
		job.CreationTimestamp = metav1.NewTime(looptest.Begin.Add(-time.Duration(i) * time.Minute))
		if rapid.Bool().Draw(t, "runs") {
			job.Status.Conditions = nil
		}
		objs = append(objs, job)
	}
	return objs
}

// finishOrResize lets a Job finish, be made, or a user keep another number.
func finishOrResize(t *rapid.T, w *looptest.World) {
	jobs := looptest.All[*obatchv1.Job](w)
	switch what := rapid.IntRange(0, 2).Draw(t, "what"); {
	case what == 0 && len(jobs) > 0:
		job := jobs[rapid.IntRange(0, len(jobs)-1).Draw(t, "job")]
		looptest.Edit(w, "job-controller", job, func(job *obatchv1.Job) { job.Status = done("").Status })
	case what == 1:
		made := &obatchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "more-"}}
		if err := w.Client("user").Create(context.Background(), made); err != nil {
			t.Fatal(err)
		}
	default:
		history := looptest.All[*housekeepingv1.JobHistory](w)[0]
		looptest.Edit(w, "user", history, func(h *housekeepingv1.JobHistory) { h.Spec.Keep = rapid.Int32Range(0, 3).Draw(t, "keep") })
	}
}

// keepsWhatRuns is the invariant that only finished Jobs are deleted.
func keepsWhatRuns(_ *looptest.World, wrote looptest.Write) error {
	if job, ok := wrote.Before.(*obatchv1.Job); ok && wrote.By == "jobhistory-controller" && !finished(job) {
		return fmt.Errorf("Job %s has not finished", job.Name)
	}
	return nil
}

func noMoreThanKept(w *looptest.World) error {
	history := looptest.All[*housekeepingv1.JobHistory](w)[0]
	left := int32(0)
	for _, job := range looptest.All[*obatchv1.Job](w) {
		if finished(job) {
			left++
		}
	}
	if left > history.Spec.Keep || left != history.Status.Kept {
		return fmt.Errorf("%d finished Jobs are left, and %d are reported, want at most %d", left, history.Status.Kept, history.Spec.Keep)
	}
	return nil
}
