package loop_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// tiers are what tier each ConfigMap has.
func (s *stage) tiers() map[string]string {
	tiers := map[string]string{}
	for _, c := range looptest.All[*corev1.ConfigMap](s.World) {
		tiers[c.Name] = c.Labels["tier"]
	}
	return tiers
}

func toTheFront(c *corev1.ConfigMap) { c.Labels = map[string]string{"tier": "front"} }

func TestAConflictOnOneObjectHoldsUpNoOther(t *testing.T) {
	s := newStage(t)
	s.Put(aConfigMap("a"), aConfigMap("b"), aConfigMap("c"))
	observed := looptest.All[*corev1.ConfigMap](s.World)
	looptest.Edit(s.World, "user", observed[1], func(c *corev1.ConfigMap) { c.Data = map[string]string{"k": "v"} })
	s.plansOnce(func(p *plan.Plan, pod *corev1.Pod) {
		plan.PatchEach(p, "they serve", observed, toTheFront).
			Succeeded(func(patched client.Object) plan.Event {
				return plan.Event{Regarding: pod, Reason: "Moved", Message: patched.GetName()}
			}).
			Failed(func(client.Object, error) plan.Event { return plan.Event{Regarding: pod, Reason: "NotMoved"} })
	})
	if result := s.mustPass(t); result.RequeueAfter == 0 {
		t.Error("does not look again after the conflict")
	}
	if diff := cmp.Diff(map[string]string{"a": "front", "b": "", "c": "front"}, s.tiers()); diff != "" {
		t.Errorf("tiers differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Normal Moved a", "Normal Moved c"}, s.recorded()); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}
}

func TestAFailureOfOnePatchIsThePassError(t *testing.T) {
	s := newStage(t)
	s.Put(aConfigMap("a"), aConfigMap("b"))
	s.Refuse = func(w looptest.Write) error {
		if w.After.GetName() == "a" {
			return quotaUsedUp()
		}
		return nil
	}
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) {
		plan.PatchEach(p, "they serve", looptest.All[*corev1.ConfigMap](s.World), toTheFront)
	})
	if _, err := s.pass(t); !apierrors.IsForbidden(err) || s.tiers()["b"] != "front" {
		t.Errorf("ends with %v, and the tiers %v", err, s.tiers())
	}
}

func TestFinalizersComeAndGo(t *testing.T) {
	const hold = "example.org/hold"
	s := newStage(t)
	finalizers := func() []string { return looptest.All[*corev1.Pod](s.World)[0].Finalizers }
	s.plansOnce(func(p *plan.Plan, pod *corev1.Pod) { p.AddFinalizer("it is counted", pod, hold) })
	s.mustPass(t)
	if diff := cmp.Diff([]string{hold}, finalizers()); diff != "" {
		t.Fatalf("finalizers differ (-want +got):\n%s", diff)
	}
	s.deletePod(t)
	s.plan = func(p *plan.Plan, pod *corev1.Pod) {
		p.AddFinalizer("one that is being deleted gets none", pod, "example.org/more")
		p.RemoveFinalizer("it has been counted", pod, hold)
	}
	s.passWithCache(t)
	if left := looptest.All[*corev1.Pod](s.World); len(left) != 0 {
		t.Errorf("the pod is still there, with finalizers %v", left[0].Finalizers)
	}
}

// TestAWriteThatTheServerDoesNotConfirmIsNotMade lets a check say no right before the write.
func TestAWriteThatTheServerDoesNotConfirmIsNotMade(t *testing.T) {
	for _, tt := range []struct {
		name string
		plan func(p *plan.Plan, c *corev1.ConfigMap, check func(context.Context, client.Reader) error)
	}{
		{"a deletion", func(p *plan.Plan, c *corev1.ConfigMap, check func(context.Context, client.Reader) error) {
			p.Delete("nobody needs it", c).Confirm(check)
		}},
		{"a patch", func(p *plan.Plan, c *corev1.ConfigMap, check func(context.Context, client.Reader) error) {
			wanted := c.DeepCopy()
			toTheFront(wanted)
			p.Patch("nobody needs it", c, wanted).Confirm(check)
		}},
		{"patches", func(p *plan.Plan, c *corev1.ConfigMap, check func(context.Context, client.Reader) error) {
			plan.PatchEach(p, "nobody needs them", []*corev1.ConfigMap{c}, toTheFront).Confirm(check)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.Put(aConfigMap("a"))
			// The cache knows nothing of the Secret that needs it.
			s.Put(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: "needs-a"}})
			check := func(ctx context.Context, live client.Reader) error {
				err := live.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: "needs-a"}, &corev1.Secret{})
				if apierrors.IsNotFound(err) {
					return nil
				}
				return plan.Wait(7*time.Second, errors.New("somebody needs it"))
			}
			s.plan = func(p *plan.Plan, _ *corev1.Pod) {
				tt.plan(p, looptest.All[*corev1.ConfigMap](s.World)[0], check)
			}
			before := s.Version()
			if result := s.mustPass(t); result.RequeueAfter != 7*time.Second || s.Version() != before {
				t.Errorf("looks again after %s, want 7s, as the check says; and wrote: %t", result.RequeueAfter, s.Version() != before)
			}
			if err := s.Client("user").Delete(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: "needs-a"}}); err != nil {
				t.Fatal(err)
			}
			before = s.Version()
			if s.mustPass(t); s.Version() == before {
				t.Error("does not write although the server confirms it")
			}
		})
	}
}
