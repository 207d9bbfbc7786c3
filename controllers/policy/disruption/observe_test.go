package disruption

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	opolicyv1 "github.com/orrery-dev/orrery/apis/policy/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

func TestWhoseReplicasCount(t *testing.T) {
	web := gen.Deployment("web", gen.Replicas(5))
	for _, tt := range []struct {
		name  string
		owner client.Object
		more  []client.Object
		want  int32
		err   string
	}{
		{name: "a ReplicaSet's", owner: gen.ReplicaSet("web-1", 3), want: 3},
		{name: "those of the Deployment of a ReplicaSet", owner: gen.ReplicaSet("web-1", 3, func(rs *oappsv1.ReplicaSet) {
			rs.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(web, oappsv1.GroupVersion.WithKind("Deployment"))}
		}), more: []client.Object{web}, want: 5},
		{name: "a StatefulSet's", owner: gen.StatefulSet("db", 4), want: 4},
		{name: "a ReplicationController's", owner: gen.ReplicationController("old", 2), want: 2},
		{name: "nobody's, when the controller is gone", owner: gen.ReplicaSet("web-1", 3, func(rs *oappsv1.ReplicaSet) { rs.UID = "before" }),
			more: []client.Object{gen.ReplicaSet("web-1", 3)}, err: `found no controllers for pod "p"`},
		{name: "nobody's, when there is no controller of the name", owner: gen.ReplicaSet("web-1", 3), err: `found no controllers for pod "p"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
				pod := gen.Pod("p", gen.Labelled("app", "web"))
				if err := controllerutil.SetControllerReference(tt.owner, pod, scheme); err != nil {
					t.Fatal(err)
				}
				w := looptest.NewWorld(scheme)
				w.Put(pod.DeepCopy())
				for _, obj := range tt.more {
					w.Put(obj.DeepCopyObject().(client.Object))
				}
				if tt.err == "" {
					w.Put(tt.owner.DeepCopyObject().(client.Object))
				}
				check(t, w, tt.want, tt.err)
			})
		})
	}
}

func TestTheReplicasOfAKindThatIsNotKnownCount(t *testing.T) {
	widget := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"replicas": int64(7)}}}
	widget.SetAPIVersion("example.org/v1")
	widget.SetKind("Widget")
	widget.SetNamespace(gen.Namespace)
	widget.SetName("w")
	widget.SetUID("w")
	yes := true
	pod := gen.Pod("p", gen.Labelled("app", "web"), func(pod *ocorev1.Pod) {
		pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "example.org/v1", Kind: "Widget", Name: "w", UID: types.UID("w"), Controller: &yes}}
	})
	w := looptest.NewWorld(gen.Schemes(t)[apis.Kubernetes])
	w.Put(pod, widget)
	check(t, w, 7, "")
}

// A path that the server does not have is answered by its router, which knows of no objects, or as by no API server.
func TestAControllerWithoutAScaleIsSaidToHaveNone(t *testing.T) {
	gadget := &metav1.OwnerReference{APIVersion: "example.org/v1", Kind: "Gadget", Name: "g"}
	gadgets := schema.GroupResource{Group: "example.org", Resource: "gadgets"}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"the router":    {apierrors.NewGenericServerResponse(http.StatusNotFound, "get", schema.GroupResource{}, "", "", 0, false), "gadgets.example.org does not implement the scale subresource"},
		"no API server": {apierrors.NewGenericServerResponse(http.StatusNotFound, "get", gadgets, "g", "404 page not found", 0, true), "gadgets.example.org does not implement the scale subresource"},
		"its kind":      {apierrors.NewNotFound(gadgets, "g"), `found no controllers for pod "p"`},
		"a failure":     {errors.New("no answer"), "reading: no answer"},
	} {
		if err := unscaled(gen.Pod("p"), gadget, fmt.Errorf("reading: %w", tt.err)); err.Error() != tt.want {
			t.Errorf("of what %s answers it is said that %q, want %q", name, err, tt.want)
		}
	}
}

// check observes a world for a budget of the pods with the label app=web.
func check(t *testing.T, w *looptest.World, want int32, failure string) {
	t.Helper()
	observed, err := Controller{}.Observe(t.Context(), loop.NewView(w.Client("test"), nil, gen.Now), gen.PodDisruptionBudget("web"))
	if err != nil {
		t.Fatal(err)
	}
	if failure != "" {
		if observed.unscaled == nil || !strings.Contains(observed.unscaled.Error(), failure) {
			t.Errorf("the scales are not known because of %v, want %q", observed.unscaled, failure)
		}
		return
	}
	got, err := expected(gen.PodDisruptionBudget("web"), observed)
	if err != nil || got.pods != want {
		t.Errorf("%d pods are expected (%v), want %d", got.pods, err, want)
	}
}

func TestPodsOfSeveralBudgetsAreToldOfOnce(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		w := looptest.NewWorld(scheme)
		first, second := gen.PodDisruptionBudget("a"), gen.PodDisruptionBudget("b")
		for _, b := range []*opolicyv1.PodDisruptionBudget{first, second} {
			b.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
			w.Put(b.DeepCopy())
		}
		w.Put(gen.Pod("p", gen.Labelled("app", "web")))
		for b, want := range map[*opolicyv1.PodDisruptionBudget]int{first: 1, second: 0} {
			observed, err := Controller{}.Observe(t.Context(), loop.NewView(w.Client("test"), nil, gen.Now), b)
			if err != nil || len(observed.shared) != want {
				t.Errorf("budget %s tells of %d pods (%v), want %d", b.Name, len(observed.shared), err, want)
			}
		}
	})
}
