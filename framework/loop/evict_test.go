package loop_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// evictors are stages with three more pods, of which b is protected by a budget that is used up: as the built-in kinds, where
// the server says so, and as custom resources, where nobody but we do.
func evictors(t *testing.T) map[string]*stage {
	t.Helper()
	builtIn := newStage(t)
	builtIn.Subresources = map[string]func(stored, body client.Object) error{"eviction": func(stored, _ client.Object) error {
		if stored.GetName() == "b" {
			return apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
		}
		return nil
	}}
	scheme := runtime.NewScheme()
	scheme.AddKnownTypes(schema.GroupVersion{Group: "core.example.org", Version: "v1"},
		&corev1.Pod{}, &corev1.PodList{}, &corev1.ConfigMap{}, &corev1.ConfigMapList{})
	scheme.AddKnownTypes(schema.GroupVersion{Group: "policy.example.org", Version: "v1"},
		&policyv1.PodDisruptionBudget{}, &policyv1.PodDisruptionBudgetList{})
	custom := newStageOf(scheme)
	custom.Put(&policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: "b"},
		Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "b"}}},
		Status:     policyv1.PodDisruptionBudgetStatus{ObservedGeneration: 1, DesiredHealthy: 1},
	})
	stages := map[string]*stage{"kubernetes": builtIn, "orrery": custom}
	for _, s := range stages {
		for _, name := range []string{"a", "b", "c"} {
			s.Put(&corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: name, Labels: map[string]string{"app": name}},
				Status:     corev1.PodStatus{Phase: corev1.PodRunning},
			})
		}
		s.observe = func(ctx context.Context, view loop.View, _ *corev1.Pod) error {
			return view.List(ctx, &corev1.PodList{})
		}
		s.cache.CatchUp()
	}
	return stages
}

func TestABudgetProtectsItsPodsAndNoOthers(t *testing.T) {
	for name, s := range evictors(t) {
		t.Run(name, func(t *testing.T) {
			pods := looptest.All[*corev1.Pod](s.World)[:3]
			s.plansOnce(func(p *plan.Plan, pod *corev1.Pod) {
				plan.EvictAll(p, "the node is drained", pods).
					Succeeded(func(evicted client.Object) plan.Event {
						return plan.Event{Regarding: pod, Reason: "Evicted", Message: evicted.GetName()}
					}).
					Failed(func(protected client.Object, err error) plan.Event {
						return plan.Event{Regarding: pod, Type: plan.Warning, Reason: "NotEvicted", Message: protected.GetName()}
					})
			})
			if result := s.mustPass(t); result.RequeueAfter != 5*time.Second {
				t.Errorf("looks again after %s, want 5s", result.RequeueAfter)
			}
			var left []string
			for _, pod := range looptest.All[*corev1.Pod](s.World) {
				left = append(left, pod.Name)
			}
			if diff := cmp.Diff([]string{"b", key.Name}, left); diff != "" {
				t.Errorf("the pods that are left differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"Normal Evicted a", "Warning NotEvicted b", "Normal Evicted c"}, s.recorded()); diff != "" {
				t.Errorf("events differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEvictingAPodThatIsNoMoreIsSuccess(t *testing.T) {
	for name, s := range evictors(t) {
		t.Run(name, func(t *testing.T) {
			gone, replaced := looptest.All[*corev1.Pod](s.World)[0].DeepCopy(), looptest.All[*corev1.Pod](s.World)[2].DeepCopy()
			if err := s.Client("user").Delete(t.Context(), gone); err != nil {
				t.Fatal(err)
			}
			replaced.UID = "before"
			s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) { p.Evict("the node is drained", gone, replaced) })
			if result := s.mustPass(t); !result.IsZero() {
				t.Errorf("looks again after %s", result.RequeueAfter)
			}
			if pods := looptest.All[*corev1.Pod](s.World); len(pods) != 3 {
				t.Errorf("%d pods are left, want 3: another of the name is not the one", len(pods))
			}
		})
	}
}
