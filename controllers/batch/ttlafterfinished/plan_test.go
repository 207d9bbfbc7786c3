package ttlafterfinished

import (
	"testing"
	"time"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// over makes a Job one that has ended some time ago.
func over(kind batchv1.JobConditionType, ago time.Duration) func(*obatchv1.Job) {
	return func(job *obatchv1.Job) {
		job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{
			Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: gen.Ago(ago),
		})
	}
}

func lives(seconds int32) func(*obatchv1.Job) {
	return func(job *obatchv1.Job) { job.Spec.TTLSecondsAfterFinished = &seconds }
}

func TestPlan(t *testing.T) {
	for _, tt := range []struct {
		name string
		job  *obatchv1.Job
		want string
	}{
		{"a Job without a time to live stays", gen.Job("sums", over(batchv1.JobComplete, time.Hour)), "nothing to do"},
		{"one that is not over stays", gen.Job("sums", lives(1)), "nothing to do"},
		{"one that is about to be over stays", gen.Job("sums", lives(1), over(batchv1.JobSuccessCriteriaMet, time.Hour)), "nothing to do"},
		{"one whose time has not passed is looked at when it will have", gen.Job("sums", lives(60), over(batchv1.JobComplete, 20*time.Second)),
			"nothing to do\nlook again in 40s: its time to live ends, 60 s after 03:03:45"},
		{"one whose time has passed goes", gen.Job("sums", lives(60), over(batchv1.JobFailed, time.Minute)),
			"delete Job default/sums: it was over at 2030-01-02 03:03:05, and may lie about for 60 s"},
		{"a time of none is over at once", gen.Job("sums", lives(0), over(batchv1.JobComplete, 0)),
			"delete Job default/sums: it was over at 2030-01-02 03:04:05, and may lie about for 0 s"},
		{"one that is being deleted is left alone", gen.Job("sums", lives(0), over(batchv1.JobComplete, 0), gen.Deleted), "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := Controller{}.Observe(t.Context(), loop.View{}, tt.job)
			if err != nil {
				t.Fatal(err)
			}
			if got := (Controller{}).Plan(tt.job, w, gen.Now).String(); got != tt.want {
				t.Errorf("the plan is %q, want %q", got, tt.want)
			}
		})
	}
}
