package orphanedjobpods

import (
	"testing"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

var counted = gen.Finalized[*ocorev1.Pod](batchv1.JobTrackingFinalizer)

func isOver(job *obatchv1.Job) {
	job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
}

func TestWhoIsLetGo(t *testing.T) {
	elsewhere := func(job *obatchv1.Job) { other := "example.com/kueue"; job.Spec.ManagedBy = &other }
	again := func(job *obatchv1.Job) { job.UID = "another" }
	of := gen.Of(gen.Job("sums"), "Job", nil)
	for _, tt := range []struct {
		name string
		pod  *ocorev1.Pod
		job  *obatchv1.Job
		want string
	}{
		{"a pod whose Job counts stays", gen.Pod("p", of, counted), gen.Job("sums"), ""},
		{"one whose Job is over goes", gen.Pod("p", of, counted), gen.Job("sums", isOver), "its Job sums is over"},
		{"one whose Job is somebody else's stays", gen.Pod("p", of, counted), gen.Job("sums", isOver, elsewhere), ""},
		{"one whose Job is gone goes", gen.Pod("p", of, counted), nil, "its Job sums is gone"},
		{"one whose Job was made anew goes", gen.Pod("p", of, counted), gen.Job("sums", again), "its Job sums is gone"},
		{"one without a Job goes", gen.Pod("p", counted), nil, "it has no Job"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
				world := looptest.NewWorld(scheme)
				if tt.job != nil {
					world.Put(tt.job.DeepCopy())
				}
				w, err := Controller{}.Observe(t.Context(), loop.NewView(world.Client("test"), nil, gen.Now), tt.pod)
				if err != nil || w.orphaned != tt.want {
					t.Fatalf("it is let go because %q (%v), want %q", w.orphaned, err, tt.want)
				}
				if p := (Controller{}).Plan(tt.pod, w, gen.Now); p.Empty() != (tt.want == "") {
					t.Errorf("the plan is %q", p)
				}
			})
		})
	}
}
