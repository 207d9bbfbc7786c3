package loop_test

import (
	"context"
	"testing"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// aScaler is a stage with a ReplicationController of 3, which the controller reads.
func aScaler(t *testing.T) (*stage, func() *corev1.ReplicationController) {
	t.Helper()
	s := newStage(t)
	three := int32(3)
	s.Put(&corev1.ReplicationController{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: "web"},
		Spec:       corev1.ReplicationControllerSpec{Replicas: &three},
	})
	s.observe = func(ctx context.Context, view loop.View, _ *corev1.Pod) error {
		return view.List(ctx, &corev1.ReplicationControllerList{})
	}
	s.cache.CatchUp()
	return s, func() *corev1.ReplicationController { return looptest.All[*corev1.ReplicationController](s.World)[0] }
}

func TestScaleSetsTheReplicas(t *testing.T) {
	s, rc := aScaler(t)
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) { p.Scale("it is busy", rc(), 3, 5) })
	s.mustPass(t)
	if got := *rc().Spec.Replicas; got != 5 {
		t.Errorf("%d replicas, want 5", got)
	}
	if s.mustPass(t); s.planned != 1 {
		t.Errorf("planned %d times before the cache showed the scale, want once", s.planned)
	}
	if s.passWithCache(t); s.planned != 2 {
		t.Error("does not plan although the cache shows the scale")
	}
}

// TestWhatIsScaledCanBeWrittenAgain holds that the answer to a scale tells the version of its object.
func TestWhatIsScaledCanBeWrittenAgain(t *testing.T) {
	s, rc := aScaler(t)
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) {
		observed := rc()
		labelled := observed.DeepCopy()
		labelled.Labels = map[string]string{"busy": "yes"}
		p.Scale("it is busy", observed, 3, 5)
		p.Patch("it is busy", observed, labelled)
		p.Scale("it is busier", observed, 5, 6)
	})
	if result := s.mustPass(t); !result.IsZero() {
		t.Errorf("looks again after %s: the patch did not know the version", result.RequeueAfter)
	}
	if got := rc(); *got.Spec.Replicas != 6 || got.Labels["busy"] != "yes" {
		t.Errorf("%d replicas and the labels %v", *got.Spec.Replicas, got.Labels)
	}
}

func TestScaleIsLockedToWhatWasObserved(t *testing.T) {
	s, rc := aScaler(t)
	observed := rc()
	looptest.Edit(s.World, "user", observed, func(rc *corev1.ReplicationController) { rc.Spec.MinReadySeconds = 1 })
	failed := 0
	s.plansOnce(func(p *plan.Plan, pod *corev1.Pod) {
		p.Scale("it is busy", observed, 3, 5).Failed(func(client.Object, error) plan.Event {
			failed++
			return plan.Event{}
		})
	})
	if result := s.mustPass(t); result.RequeueAfter == 0 || failed != 0 {
		t.Errorf("looks again after %s with %d failures, want a quiet retry", result.RequeueAfter, failed)
	}
	if got := *rc().Spec.Replicas; got != 3 {
		t.Errorf("%d replicas, want 3", got)
	}
}

func TestAnyKindScales(t *testing.T) {
	s := newStage(t)
	widget := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"replicas": int64(1)}}}
	widget.SetAPIVersion("example.org/v1")
	widget.SetKind("Widget")
	widget.SetNamespace(key.Namespace)
	widget.SetName("w")
	s.Put(widget)
	read := func() *unstructured.Unstructured {
		now := widget.DeepCopy()
		if err := s.Client("test").Get(t.Context(), client.ObjectKeyFromObject(widget), now); err != nil {
			t.Fatal(err)
		}
		return now
	}
	s.plansOnce(func(p *plan.Plan, pod *corev1.Pod) {
		p.Scale("it is busy", read(), 1, 2).Succeeded(func(scaled client.Object) plan.Event {
			return plan.Event{Regarding: pod, Reason: "SuccessfulRescale", Message: scaled.GetName()}
		})
	})
	s.mustPass(t)
	if replicas, _, _ := unstructured.NestedInt64(read().Object, "spec", "replicas"); replicas != 2 {
		t.Errorf("%d replicas, want 2", replicas)
	}
	if got := s.recorded(); len(got) != 1 || got[0] != "Normal SuccessfulRescale w" {
		t.Errorf("the events are %v", got)
	}
}
