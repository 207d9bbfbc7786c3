package resourcequota

import (
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// charging is a world in which a quota of pods says 2 and one pod is there: another one has been charged, and is not stored yet.
type charging struct {
	*looptest.World
	t    *testing.T
	loop loop.Reconciler
}

func newCharging(t *testing.T, scheme *runtime.Scheme) charging {
	w := looptest.NewWorld(scheme)
	q := quotaOf("limits", "pods")
	q.Status = corev1.ResourceQuotaStatus{Hard: q.Spec.Hard, Used: corev1.ResourceList{"pods": number(2)}}
	w.Put(q, gen.Pod("first"))
	return charging{w, t, declare(onlyConfigMaps).Reconciler(loop.Cluster{Client: w.Client(name), Clock: w.Clock()})}
}

// says is what the quota says after a pass.
func (w charging) says() int64 {
	w.t.Helper()
	key := client.ObjectKey{Namespace: "default", Name: "limits"}
	if _, err := w.loop.Reconcile(w.t.Context(), reconcile.Request{NamespacedName: key}); err != nil {
		w.t.Fatal(err)
	}
	pods := looptest.All[*quota](w.World)[0].Status.Used["pods"]
	return pods.Value()
}

// charges is the admission charging another pod.
func (w charging) charges() {
	looptest.Edit(w.World, "admission", quotaOf("limits"), func(q *quota) {
		pods := q.Status.Used["pods"]
		pods.Add(number(1))
		q.Status.Used["pods"] = pods
	})
}

func TestWhatIsChargedIsNotGivenBackBeforeItCanBeSeen(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		w := newCharging(t, scheme)
		if said := w.says(); said != 2 {
			t.Errorf("just after it was charged, the quota says %d, want 2", said)
		}
		w.Step(settling)
		if said := w.says(); said != 1 {
			t.Errorf("after %s the quota says %d, want the 1 that is there", settling, said)
		}
	})
}

func TestWhatHasGoneIsGivenBackWhileTheAdmissionGoesOnCharging(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		w := newCharging(t, scheme)
		for range 2 { // the second time as late as the first
			waited := time.Duration(0)
			for w.charges(); w.says() != 1; w.charges() {
				w.Step(settling / 2)
				if waited += settling / 2; waited > patience {
					t.Fatalf("nothing was given back in %s", waited)
				}
			}
			if waited < patience {
				t.Errorf("it was given back after %s, want after %s of charging", waited, patience)
			}
		}
	})
}

func TestNewLimitsAreCountedAtOnce(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		w := newCharging(t, scheme)
		looptest.Edit(w.World, "user", quotaOf("limits"), func(q *quota) { q.Spec.Hard["pods"] = number(20) })
		if said := w.says(); said != 1 {
			t.Errorf("the quota says %d, want the 1 that is there", said)
		}
	})
}
