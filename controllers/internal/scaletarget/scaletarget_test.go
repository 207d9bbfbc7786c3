package scaletarget_test

import (
	"context"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apis"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	oautoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/scaletarget"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// filler sees to it that what an autoscaler points to has as many replicas as the autoscaler may ask for.
type filler struct{}

func (filler) Observe(ctx context.Context, view loop.View, hpa *oautoscalingv2.HorizontalPodAutoscaler) (scaletarget.Target, error) {
	ref := hpa.Spec.ScaleTargetRef
	return scaletarget.Read(ctx, view, hpa.Namespace, scaletarget.Reference{APIVersion: ref.APIVersion, Kind: ref.Kind, Name: ref.Name})
}

func (filler) Plan(hpa *oautoscalingv2.HorizontalPodAutoscaler, target scaletarget.Target, _ time.Time) *plan.Plan {
	p := plan.New()
	target.Set(p, "it is busy", hpa.Spec.MaxReplicas)
	return p
}

// widget is an object of a kind that no scheme knows, of n replicas.
func widget(n int64) *unstructured.Unstructured {
	w := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"replicas": n}}}
	w.SetAPIVersion("example.org/v1")
	w.SetKind("Widget")
	w.SetNamespace(gen.Namespace)
	w.SetName("web")
	return w
}

// worlds hold a Deployment of 3 named web, whose kind has the name of a naming, or a Widget of 3; and how to point to it.
func worlds(t *testing.T) map[string]func() (*looptest.World, scaletarget.Reference) {
	all := map[string]func() (*looptest.World, scaletarget.Reference){}
	for naming, scheme := range gen.Schemes(t) {
		all["a Deployment, "+naming.String()] = func() (*looptest.World, scaletarget.Reference) {
			kind, err := apiutil.GVKForObject(&oappsv1.Deployment{}, scheme)
			if err != nil {
				t.Fatal(err)
			}
			w := looptest.NewWorld(scheme)
			w.Put(gen.Deployment("web", gen.Replicas(3)))
			return w, scaletarget.Reference{APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Name: "web"}
		}
	}
	all["a Widget"] = func() (*looptest.World, scaletarget.Reference) {
		w := looptest.NewWorld(gen.Schemes(t)[apis.Kubernetes])
		w.Put(widget(3))
		return w, scaletarget.Reference{APIVersion: "example.org/v1", Kind: "Widget", Name: "web"}
	}
	return all
}

func TestAScaleIsReadAndSet(t *testing.T) {
	for name, build := range worlds(t) {
		t.Run(name, func(t *testing.T) {
			w, ref := build()
			w.Put(gen.HorizontalPodAutoscaler("web", 5, func(hpa *oautoscalingv2.HorizontalPodAutoscaler) {
				hpa.Spec.ScaleTargetRef.APIVersion, hpa.Spec.ScaleTargetRef.Kind = ref.APIVersion, ref.Kind
			}))
			view := loop.NewView(w.Client("test"), nil, gen.Now)
			r := loop.New("filler", filler{}).Reconciler(loop.Cluster{Client: w.Client("filler")})
			for range 2 { // the second has nothing to do
				if _, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Namespace: gen.Namespace, Name: "web"}}); err != nil {
					t.Fatal(err)
				}
			}
			target, err := scaletarget.Read(t.Context(), view, gen.Namespace, ref)
			if err != nil || target.Wanted() != 5 {
				t.Errorf("%d replicas are asked for (%v), want 5", target.Wanted(), err)
			}
		})
	}
}

func TestAScaleTellsWhatThereIs(t *testing.T) {
	scheme := gen.Schemes(t)[apis.Kubernetes]
	w := looptest.NewWorld(scheme)
	w.Put(gen.Deployment("web", gen.Replicas(3), func(d *oappsv1.Deployment) { d.Status.Replicas = 2 }))
	target, err := scaletarget.Read(t.Context(), loop.NewView(w.Client("test"), nil, gen.Now), gen.Namespace, scaletarget.Reference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	selector, found, err := target.Selector()
	if target.Wanted() != 3 || target.Has() != 2 || target.UID() != "web" || !found || err != nil || !selector.Matches(labels.Set{"app": "web"}) {
		t.Errorf("of %s %d are wanted and there are %d, selected by %v (%t, %v)", target.UID(), target.Wanted(), target.Has(), selector, found, err)
	}
}

func TestWhatDoesNotSayWhichPodsItHasSelectsNone(t *testing.T) {
	w := looptest.NewWorld(gen.Schemes(t)[apis.Kubernetes])
	w.Put(widget(3))
	target, err := scaletarget.Read(t.Context(), loop.NewView(w.Client("test"), nil, gen.Now), gen.Namespace, scaletarget.Reference{APIVersion: "example.org/v1", Kind: "Widget", Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	if selector, found, err := target.Selector(); found || err != nil || selector.Matches(labels.Set{}) {
		t.Errorf("the selector is %q (%v)", selector, err)
	}
}

func TestATargetThatIsNotThereIsNotFound(t *testing.T) {
	w := looptest.NewWorld(gen.Schemes(t)[apis.Kubernetes])
	_, err := scaletarget.Read(t.Context(), loop.NewView(w.Client("test"), nil, gen.Now), gen.Namespace, scaletarget.Reference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"})
	if !apierrors.IsNotFound(err) {
		t.Errorf("ends with %v, want not found", err)
	}
}

func TestControllerOf(t *testing.T) {
	pod := gen.Pod("p", gen.Of(gen.ReplicaSet("web", 1), "ReplicaSet", nil))
	if ref, ok := scaletarget.ControllerOf(pod); !ok || ref.Kind != "ReplicaSet" || ref.Name != "web" {
		t.Errorf("the controller is %+v, %t", ref, ok)
	}
	if ref, ok := scaletarget.ControllerOf(gen.Pod("p")); ok {
		t.Errorf("a pod of its own has the controller %+v", ref)
	}
}
