package orphanedjobpods

import (
	"fmt"
	"slices"
	"testing"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/jobstatus"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestNobodyWaitsForAJobThatIsOver lets Jobs end and go away, under both namings: their pods are let go, and nobody else's.
func TestNobodyWaitsForAJobThatIsOver(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				var objs []client.Object
				for _, name := range []string{"a", "b"} {
					job := gen.Job(name)
					objs = append(objs, job, gen.Pod(name+"-1", gen.Of(job, "Job", nil), counted), gen.Pod(name+"-2", gen.Of(job, "Job", nil), counted))
				}
				return objs
			},
			Change: func(t *rapid.T, w *looptest.World) {
				jobs := looptest.All[*obatchv1.Job](w)
				if len(jobs) == 0 {
					return
				}
				job := jobs[rapid.IntRange(0, len(jobs)-1).Draw(t, "job")]
				if rapid.Bool().Draw(t, "ends") {
					looptest.Edit(w, "job-controller", job, isOver)
				} else if err := w.Client("user").Delete(t.Context(), job.DeepCopy()); err != nil {
					t.Fatal(err)
				}
			},
			Invariants: []looptest.Invariant{neverOfAJobThatCounts},
			Converged: func(w *looptest.World) error {
				for _, pod := range looptest.All[*ocorev1.Pod](w) {
					if !counts(w, pod) && slices.Contains(pod.Finalizers, batchv1.JobTrackingFinalizer) {
						return fmt.Errorf("pod %s waits", pod.Name)
					}
				}
				return nil
			},
		})
	})
}

// counts reports that the Job of a pod still counts it.
func counts(w *looptest.World, pod *ocorev1.Pod) bool {
	return slices.ContainsFunc(looptest.All[*obatchv1.Job](w), func(job *obatchv1.Job) bool {
		return metav1.IsControlledBy(pod, job) && jobstatus.Finished(job) == nil
	})
}

func neverOfAJobThatCounts(w *looptest.World, wrote looptest.Write) error {
	pod, ok := wrote.Before.(*ocorev1.Pod)
	if ok && wrote.By == "orphaned-job-pod-controller" && counts(w, pod) {
		return fmt.Errorf("pod %s is not counted yet", pod.Name)
	}
	return nil
}
