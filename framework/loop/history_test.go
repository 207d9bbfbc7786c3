package loop_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func TestTheLastPlansOfAnObjectAreKept(t *testing.T) {
	s := newStage(t)
	s.plan = func(p *plan.Plan, _ *corev1.Pod) {
		p.Create("the "+fmt.Sprint(s.planned)+". time", aConfigMap(fmt.Sprint("c", s.planned)))
	}
	for range 10 {
		s.passWithCache(t)
		s.Step(time.Minute)
	}
	recent := s.reconciler.Inspector().Recent(key.String())
	if len(recent) != 8 {
		t.Fatalf("%d plans are kept, want 8", len(recent))
	}
	want := engine.Pass{At: looptest.Begin.Add(9 * time.Minute), Plan: "create ConfigMap default/c10: the 10. time"}
	if diff := cmp.Diff(want, recent[0]); diff != "" {
		t.Errorf("the newest differs (-want +got):\n%s", diff)
	}
	if recent[7].Plan != "create ConfigMap default/c3: the 3. time" {
		t.Errorf("the oldest is %q, want the third", recent[7].Plan)
	}
	if of := s.reconciler.Inspector().Of(); of != "Pod" {
		t.Errorf("they are plans for a %q, want a Pod", of)
	}
}

func TestAPlanThatFailedIsKeptWithItsError(t *testing.T) {
	s := newStage(t)
	s.refuses("create", quotaUsedUp())
	s.plan = func(p *plan.Plan, _ *corev1.Pod) { p.Create("missing", aConfigMap("a")) }
	_, err := s.pass(t)
	recent := s.reconciler.Inspector().Recent(key.String())
	if len(recent) != 1 || recent[0].Error != err.Error() {
		t.Errorf("kept %+v, want one plan with the error %v", recent, err)
	}
}

func TestAPlanWithNothingInItIsNotKept(t *testing.T) {
	s := newStage(t)
	s.plan = func(p *plan.Plan, _ *corev1.Pod) { p.After(time.Minute, "later") }
	s.mustPass(t)
	if recent := s.reconciler.Inspector().Recent(key.String()); len(recent) != 0 {
		t.Errorf("kept %+v, want nothing", recent)
	}
}

func TestPlansOfAnObjectThatIsGoneAreForgotten(t *testing.T) {
	s := newStage(t)
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) { p.Create("missing", aConfigMap("a")) })
	s.passWithCache(t)
	s.deletePod(t)
	s.passWithCache(t)
	if recent := s.reconciler.Inspector().Recent(key.String()); len(recent) != 0 {
		t.Errorf("kept %+v, want nothing", recent)
	}
}

func TestAPreviewDoesNothing(t *testing.T) {
	s := newStage(t)
	s.plan = func(p *plan.Plan, _ *corev1.Pod) { p.Create("missing", aConfigMap("a")) }
	before := s.Version()
	preview, err := s.loop.Preview(t.Context(), s.Client("reader"), key, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	if preview.String() != "create ConfigMap default/a: missing" {
		t.Errorf("the preview is %q", preview)
	}
	if s.Version() != before || len(s.reconciler.Inspector().Recent(key.String())) != 0 {
		t.Error("the preview was carried out or kept")
	}
	_, err = s.loop.Preview(t.Context(), s.Client("reader"), client.ObjectKey{Name: "nobody"}, s.Now())
	if !apierrors.IsNotFound(err) {
		t.Errorf("the preview for an object that does not exist ends with %v, want not found", err)
	}
}

func TestPassedIsToldOfEveryPlan(t *testing.T) {
	s := newStage(t)
	s.refuses("create", quotaUsedUp())
	s.plan = func(p *plan.Plan, _ *corev1.Pod) { p.Create("missing", aConfigMap("a")) }
	var told []string
	reconciler := s.loop.Reconciler(loop.Cluster{
		Client: s.cache.ClientOf("tester"),
		Passed: func(key client.ObjectKey, steps []plan.Step, err error) {
			told = append(told, fmt.Sprintf("%s: %s: failed %t", key, engine.Sentence(steps[0]), err != nil))
		},
	})
	_, err := reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: key})
	if err == nil {
		t.Fatal("the pass succeeds although its create was refused")
	}
	if diff := cmp.Diff([]string{"default/web: create ConfigMap default/a: missing: failed true"}, told); diff != "" {
		t.Errorf("told differs (-want +got):\n%s", diff)
	}
}
