package loop_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// refuses makes the API server refuse writes of one verb.
func (s *stage) refuses(verb string, err error) {
	s.Refuse = func(w looptest.Write) error {
		if w.Verb == verb {
			return err
		}
		return nil
	}
}

func quotaUsedUp() error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "", errors.New("the quota is used up"))
}

func (s *stage) phase() corev1.PodPhase { return looptest.All[*corev1.Pod](s.World)[0].Status.Phase }

func TestAStepThatFailsEndsThePlanButForItsStatus(t *testing.T) {
	s := newStage(t)
	s.refuses("create", quotaUsedUp())
	s.plan = func(p *plan.Plan, pod *corev1.Pod) {
		p.Event(pod, plan.Normal, "Beginning", "it begins")
		p.Create("missing", aConfigMap("a"))
		p.Event(pod, plan.Normal, "Created", "it was created")
		p.StatusAfter(pod, func(failed error) client.Object {
			if failed == nil {
				return withPhase(pod, corev1.PodRunning)
			}
			return withPhase(pod, corev1.PodFailed)
		})
		p.Apply("never", nil)
	}
	_, err := s.pass(t)
	if err == nil || !strings.HasPrefix(err.Error(), "creating ConfigMap default/a: ") {
		t.Errorf("the pass ends with %v, want the error of the step that failed", err)
	}
	if s.phase() != corev1.PodFailed {
		t.Errorf("the status says %q, want it to say that a step failed", s.phase())
	}
	if diff := cmp.Diff([]string{"Normal Beginning it begins"}, s.recorded()); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}
}

func TestTheFirstErrorIsThePassErrorAlsoWhenTheStatusFails(t *testing.T) {
	s := newStage(t)
	s.Refuse = func(w looptest.Write) error { return fmt.Errorf("no %s today", w.Verb) }
	s.plan = func(p *plan.Plan, pod *corev1.Pod) {
		p.Create("missing", aConfigMap("a"))
		p.Status(pod, withPhase(pod, corev1.PodRunning))
	}
	if _, err := s.pass(t); err == nil || !strings.Contains(err.Error(), "no create today") {
		t.Errorf("the pass ends with %v, want the first error", err)
	}
}

func TestAStatusThatIsRefusedCanBeToldOf(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer error
		want   []string
	}{
		{"when the API server refuses it", quotaUsedUp(), []string{"Warning NotTold Running"}},
		{"not when somebody else wrote first", apierrors.NewConflict(schema.GroupResource{Resource: "pods"}, "web", nil), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.refuses("patch/status", tt.answer)
			s.plan = func(p *plan.Plan, pod *corev1.Pod) {
				p.Status(pod, withPhase(pod, corev1.PodRunning)).Failed(func(obj client.Object, _ error) plan.Event {
					return plan.Event{Regarding: obj, Type: plan.Warning, Reason: "NotTold", Message: string(obj.(*corev1.Pod).Status.Phase)}
				})
			}
			_, _ = s.pass(t) // what it ends with is tested elsewhere
			if diff := cmp.Diff(tt.want, s.recorded()); diff != "" {
				t.Errorf("events differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestACreateStopsEarlyWhenItIsRefused(t *testing.T) {
	s := newStage(t)
	tried := 0
	s.Refuse = func(looptest.Write) error { tried++; return quotaUsedUp() }
	s.plan = func(p *plan.Plan, pod *corev1.Pod) {
		objs := make([]client.Object, 100)
		for i := range objs {
			objs[i] = aConfigMap(fmt.Sprint("c", i))
		}
		p.Create("missing", objs...).Failed(func(obj client.Object, err error) plan.Event {
			return plan.Event{Regarding: pod, Type: plan.Warning, Reason: "FailedCreate", Message: obj.GetName()}
		})
	}
	_, err := s.pass(t)
	if !apierrors.IsForbidden(err) || tried != 1 {
		t.Errorf("tried %d creates and ended with %v, want one and its refusal", tried, err)
	}
	if diff := cmp.Diff([]string{"Warning FailedCreate c0"}, s.recorded()); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}
}

func TestACreateInATerminatingNamespaceEndsQuietly(t *testing.T) {
	s := newStage(t)
	s.Put(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default", Finalizers: []string{"kubernetes"}}})
	if err := s.Client("somebody").Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}); err != nil {
		t.Fatal(err)
	}
	s.plan = func(p *plan.Plan, pod *corev1.Pod) {
		p.Create("missing", aConfigMap("a")).Failed(func(client.Object, error) plan.Event {
			return plan.Event{Regarding: pod, Reason: "FailedCreate"}
		})
	}
	if result := s.mustPass(t); !result.IsZero() || len(s.recorded()) != 0 {
		t.Errorf("looks again after %s with an event; want silence, for all there goes away", result.RequeueAfter)
	}
}

func TestACreateThatWasDoneBeforeIsSuccess(t *testing.T) {
	for _, tt := range []struct {
		name    string
		owned   bool // the step has an owner
		exists  func(c *corev1.ConfigMap, pod *corev1.Pod)
		success bool
	}{
		{name: "by the same owner", owned: true, success: true, exists: func(c *corev1.ConfigMap, pod *corev1.Pod) {
			c.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(pod, corev1.SchemeGroupVersion.WithKind("Pod"))}
		}},
		{name: "not by an owner of the same name before it", owned: true, exists: func(c *corev1.ConfigMap, pod *corev1.Pod) {
			before := pod.DeepCopy()
			before.UID = "before"
			c.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(before, corev1.SchemeGroupVersion.WithKind("Pod"))}
		}},
		{name: "not by nobody, with an owner", owned: true, exists: func(*corev1.ConfigMap, *corev1.Pod) {}},
		{name: "by nobody, without an owner", success: true, exists: func(*corev1.ConfigMap, *corev1.Pod) {}},
		{name: "not by somebody, without an owner", exists: func(c *corev1.ConfigMap, pod *corev1.Pod) {
			c.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(pod, corev1.SchemeGroupVersion.WithKind("Pod"))}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			exists := aConfigMap("a")
			tt.exists(exists, looptest.All[*corev1.Pod](s.World)[0])
			s.Put(exists)
			s.plan = func(p *plan.Plan, pod *corev1.Pod) {
				step := p.Create("missing", aConfigMap("a"))
				if tt.owned {
					step.OwnedBy(pod)
				}
			}
			_, err := s.pass(t)
			if (err == nil) != tt.success || err != nil && !apierrors.IsAlreadyExists(err) {
				t.Errorf("ends with %v, want success: %t", err, tt.success)
			}
		})
	}
}

func TestWhatIsCreatedHasItsOwnerAndItsEventHasItsName(t *testing.T) {
	s := newStage(t)
	s.plansOnce(func(p *plan.Plan, pod *corev1.Pod) {
		c := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "web-"}}
		p.Create("missing", c).OwnedBy(pod).Succeeded(func(created client.Object) plan.Event {
			return plan.Event{Regarding: pod, Reason: "SuccessfulCreate", Message: "Created " + created.GetName()[:4] + "*"}
		})
	})
	s.mustPass(t)
	created := looptest.All[*corev1.ConfigMap](s.World)
	if len(created) != 1 || !metav1.IsControlledBy(created[0], looptest.All[*corev1.Pod](s.World)[0]) {
		t.Errorf("created %v, want one ConfigMap with the Pod as its controller", created)
	}
	if diff := cmp.Diff([]string{"Normal SuccessfulCreate Created web-*"}, s.recorded()); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}
}

func TestAnOwnerNeedNotWaitForWhatItOwns(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options []controllerutil.OwnerReferenceOption
		waits   *bool
	}{
		{name: "by default it does", waits: new(true)},
		{name: "unless an option says otherwise", options: []controllerutil.OwnerReferenceOption{
			func(ref *metav1.OwnerReference) { ref.BlockOwnerDeletion = nil },
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.plansOnce(func(p *plan.Plan, pod *corev1.Pod) { p.Create("missing", aConfigMap("a")).OwnedBy(pod, tt.options...) })
			s.mustPass(t)
			created := looptest.All[*corev1.ConfigMap](s.World)
			if diff := cmp.Diff(tt.waits, metav1.GetControllerOf(created[0]).BlockOwnerDeletion); diff != "" {
				t.Errorf("whether the owner waits differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestADeletionOfWhatHasChangedSince(t *testing.T) {
	replace := func(s *stage) {
		c := s.Client("somebody")
		if err := errors.Join(c.Delete(context.Background(), aConfigMap("a")), c.Create(context.Background(), aConfigMap("a"))); err != nil {
			panic(err)
		}
	}
	touch := func(s *stage) {
		looptest.Edit(s.World, "somebody", aConfigMap("a"), func(c *corev1.ConfigMap) { c.Data = map[string]string{"new": "data"} })
	}
	remove := func(s *stage) {
		if err := s.Client("somebody").Delete(context.Background(), aConfigMap("a")); err != nil {
			panic(err)
		}
	}
	for _, tt := range []struct {
		name      string
		meanwhile func(*stage)
		unchanged bool
		survives  bool
		conflict  bool
	}{
		{name: "deletes what has changed", meanwhile: touch},
		{name: "keeps what has changed if it must not have", meanwhile: touch, unchanged: true, survives: true, conflict: true},
		{name: "keeps another of the same name", meanwhile: replace, survives: true},
		{name: "is content if it is gone", meanwhile: remove},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.Put(aConfigMap("a"))
			s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) {
				step := p.Delete("surplus", s.stored("a"))
				if tt.unchanged {
					step.Unchanged()
				}
				tt.meanwhile(s)
			})
			result := s.mustPass(t)
			if survives := s.stored("a") != nil; survives != tt.survives {
				t.Errorf("survives: %t, want %t", survives, tt.survives)
			}
			if conflict := result.RequeueAfter > 0; conflict != tt.conflict {
				t.Errorf("meets a conflict: %t, want %t", conflict, tt.conflict)
			}
		})
	}
}

func TestAPatchOfWhatHasChangedSinceDoesNothing(t *testing.T) {
	s := newStage(t)
	s.Put(aConfigMap("a"))
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) {
		p.Patch("mine", s.stored("a"), withData(s.stored("a"), map[string]string{"by": "the loop"}))
		looptest.Edit(s.World, "somebody", aConfigMap("a"), func(c *corev1.ConfigMap) { c.Data = map[string]string{"by": "somebody"} })
	})
	if result := s.mustPass(t); result.RequeueAfter == 0 {
		t.Error("does not look again after a conflict")
	}
	if by := s.stored("a").Data["by"]; by != "somebody" {
		t.Errorf("written by %q, want what somebody wrote meanwhile", by)
	}
}

func TestAnEventWithoutAnObjectIsNotRecorded(t *testing.T) {
	s := newStage(t)
	s.plan = func(p *plan.Plan, _ *corev1.Pod) {
		p.Create("missing", aConfigMap("a")).Succeeded(func(client.Object) plan.Event { return plan.Event{} })
	}
	s.mustPass(t)
	if got := s.recorded(); len(got) != 0 {
		t.Errorf("recorded %q, want nothing", got)
	}
}
