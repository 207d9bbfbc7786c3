package ownership_test

import (
	"context"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apis"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// claimer settles a ReplicaSet's claims and does nothing else.
type claimer struct{}

func (claimer) Observe(ctx context.Context, view loop.View, rs *oappsv1.ReplicaSet) (ownership.Claims[*ocorev1.Pod], error) {
	return ownership.Observe[*ocorev1.Pod](ctx, view, rs, rs.Spec.Selector, &ocorev1.PodList{})
}

func (claimer) Plan(rs *oappsv1.ReplicaSet, claims ownership.Claims[*ocorev1.Pod], _ time.Time) *plan.Plan {
	p := plan.New()
	claims.Settle(p, rs)
	return p
}

func TestSettle(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		w, pass := worldOf(t, scheme)
		w.Put(gen.ReplicaSet("web", 1), ownersPod("mine-no-more", map[string]string{"app": "debug"}), gen.Pod("orphan", gen.Labelled("app", "web")))
		pass(w.NewView())

		if owners := pod(t, w, "mine-no-more").OwnerReferences; len(owners) != 0 {
			t.Errorf("the pod that does not match has the owners %v", owners)
		}
		owner := metav1.GetControllerOf(pod(t, w, "orphan"))
		if owner == nil || owner.Name != "web" || !*owner.BlockOwnerDeletion {
			t.Fatalf("the orphan has the controller %+v, want web", owner)
		}
		if want := groupVersion(t, scheme); owner.APIVersion != want {
			t.Errorf("the owner is named under %s, want %s", owner.APIVersion, want)
		}
	})
}

func TestNothingIsAdoptedForAnOwnerThatIsGoneAndTheCacheDoesNotKnow(t *testing.T) {
	scheme := gen.Schemes(t)[apis.Kubernetes]
	for name, end := range map[string]func(*looptest.World, *oappsv1.ReplicaSet){
		"gone": func(w *looptest.World, rs *oappsv1.ReplicaSet) {
			if err := w.Client("user").Delete(t.Context(), rs); err != nil {
				t.Fatal(err)
			}
		},
		"replaced by another": func(w *looptest.World, rs *oappsv1.ReplicaSet) {
			if err := w.Client("user").Delete(t.Context(), rs); err != nil {
				t.Fatal(err)
			}
			w.Put(gen.ReplicaSet("web", 1, func(rs *oappsv1.ReplicaSet) { rs.UID = "another" }))
		},
		"being deleted": func(w *looptest.World, rs *oappsv1.ReplicaSet) {
			if err := w.Client("user").Delete(t.Context(), rs, client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, pass := worldOf(t, scheme)
			w.Put(gen.ReplicaSet("web", 1), gen.Pod("orphan", gen.Labelled("app", "web")))
			before := w.NewView()
			end(w, gen.ReplicaSet("web", 1))
			if result := pass(before); result.RequeueAfter == 0 {
				t.Error("the pass is not made again")
			}
			if owner := metav1.GetControllerOf(pod(t, w, "orphan")); owner != nil {
				t.Errorf("the orphan was adopted for %+v", owner)
			}
		})
	}
}

// worldOf is a world, and a pass over the ReplicaSet web that reads a view of it.
func worldOf(t *testing.T, scheme *runtime.Scheme) (*looptest.World, func(*looptest.View) reconcile.Result) {
	l := loop.New("claimer", claimer{}, ownership.Indexed(&ocorev1.Pod{}))
	w := looptest.NewWorld(scheme)
	for _, index := range l.Indexes() {
		if err := w.Index(index.Object, index.Field, index.Values); err != nil {
			t.Fatal(err)
		}
	}
	return w, func(view *looptest.View) reconcile.Result {
		r := l.Reconciler(loop.Cluster{Client: view.ClientOf("claimer"), Live: w.Client("claimer")})
		result, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Namespace: gen.Namespace, Name: "web"}})
		if err != nil {
			t.Errorf("a pass fails: %v", err)
		}
		return result
	}
}

func pod(t *testing.T, w *looptest.World, name string) *ocorev1.Pod {
	t.Helper()
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if pod.Name == name {
			return pod
		}
	}
	t.Fatalf("there is no pod %s", name)
	return nil
}

// groupVersion is under what ReplicaSets are served.
func groupVersion(t *testing.T, scheme *runtime.Scheme) string {
	t.Helper()
	kinds, _, err := scheme.ObjectKinds(&oappsv1.ReplicaSet{})
	if err != nil {
		t.Fatal(err)
	}
	return kinds[0].GroupVersion().String()
}
