package terminatedpodgc

import (
	"fmt"
	"slices"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func terminated(name string, age time.Duration, changes ...func(*ocorev1.Pod)) ocorev1.Pod {
	pod := ocorev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, CreationTimestamp: gen.Ago(age)},
		Status:     corev1.PodStatus{Phase: corev1.PodFailed},
	}
	for _, change := range changes {
		change(&pod)
	}
	return pod
}

func wasEvicted(pod *ocorev1.Pod) { pod.Status.Reason = "Evicted" }

// heldByFinalizers makes a pod one that has been deleted at once, and is there all the same.
func heldByFinalizers(pod *ocorev1.Pod) {
	at, grace := metav1.NewTime(gen.Now), int64(0)
	pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = &at, &grace
}

func TestPlan(t *testing.T) {
	four := []ocorev1.Pod{
		terminated("new", time.Second), terminated("old", time.Hour),
		terminated("evicted", time.Minute, wasEvicted), terminated("older", 2*time.Hour),
	}
	for _, test := range []struct {
		name      string
		threshold int
		pods      []ocorev1.Pod
		want      []string
	}{
		{"keeps as many as may be", 4, four, nil},
		{"those that were evicted go first", 3, four, []string{"evicted"}},
		{"and then the oldest", 1, four, []string{"evicted", "older", "old"}},
		{"keeps all where there is no threshold", -1, four, nil},
		{
			"does not delete again what only finalizers keep", 1,
			[]ocorev1.Pod{terminated("held", time.Hour, heldByFinalizers), terminated("old", time.Minute), terminated("new", time.Second)},
			[]string{"old"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, step := range (Controller{Options{Threshold: test.threshold}}).Plan(loop.All, world{test.pods}, gen.Now).Steps() {
				for _, obj := range step.(*plan.Delete).Objects() {
					got = append(got, obj.GetName())
				}
				want := fmt.Sprintf("%d pods have terminated, %d are kept", len(test.pods), test.threshold)
				if step.Why() != want {
					t.Errorf("the reason is %q, want %q", step.Why(), want)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("it deletes %v, want %v", got, test.want)
			}
		})
	}
}
