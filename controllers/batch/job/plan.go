package job

import (
	"fmt"
	"time"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/jobstatus"
	"github.com/orrery-dev/orrery/controllers/internal/podcontrol"
	"github.com/orrery-dev/orrery/framework/plan"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// Plan counts what has ended, decides whether the Job ends, and starts and stops pods.
func (Controller) Plan(job *obatchv1.Job, w world, now time.Time) *plan.Plan {
	p := plan.New()
	switch manager := ptr.Deref(job.Spec.ManagedBy, batchv1.JobControllerName); {
	case manager != batchv1.JobControllerName:
		p.Because("it is " + manager + "'s")
	case jobstatus.Finished(job) != nil:
		p.Because("it is over")
	case !known(job.Spec.CompletionMode):
		p.EventOnce(job, plan.Warning, reasonUnknownMode, "Skipped Job sync because completion mode is unknown")
	case w.claims.Open():
		w.claims.Settle(p, job) // whoever belongs to the Job is decided: the next pass counts them
	default:
		proceed(p, newAccount(selecting(job), w.claims.Held, now))
	}
	return p
}

func known(mode *batchv1.CompletionMode) bool {
	m := ptr.Deref(mode, batchv1.NonIndexedCompletion)
	return m == batchv1.NonIndexedCompletion || m == batchv1.IndexedCompletion
}

// proceed writes down what has ended before it does anything else; where nothing has, the status tells of what it does.
func proceed(p *plan.Plan, a *account) {
	v := a.verdict()
	status, released := a.report(v)
	todo := a.manage(v)
	if len(released) > 0 {
		p.Status(a.job, with(a.job, status))
		tell(p, a, status)
		release(p, fmt.Sprintf("%d pods are written down", len(released)), released)
		act(p, a.job, todo)
	} else {
		act(p, a.job, todo)
		p.StatusAfter(a.job, func(failed error) client.Object {
			if failed != nil {
				return with(a.job, status)
			}
			return with(a.job, foresee(status, todo))
		})
		tell(p, a, status)
	}
	if left, limited := a.timeLeft(); limited && v == nil {
		p.After(left, "its deadline passes")
	}
}

// act starts and stops pods.
func act(p *plan.Plan, job *obatchv1.Job, todo change) {
	if todo.forgiven {
		release(p, todo.why, todo.remove)
	}
	podcontrol.Delete(p, todo.why, job, todo.remove)
	podcontrol.Create(p, todo.why, job, job.Spec.Selector, todo.create)
	if todo.later > 0 {
		p.After(todo.later, "the pods of the last failures have waited long enough")
	}
}

// release takes the finalizer off pods.
func release(p *plan.Plan, why string, pods []*ocorev1.Pod) {
	plan.PatchEach(p, why, pods, func(pod *ocorev1.Pod) { controllerutil.RemoveFinalizer(pod, batchv1.JobTrackingFinalizer) })
}

func with(job *obatchv1.Job, status batchv1.JobStatus) *obatchv1.Job {
	reported := job.DeepCopy()
	reported.Status = status
	return reported
}
