package loop_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var ofPods = schema.GroupResource{Resource: "pods"}

func TestAWriteToWhatIsGoneIsAConflict(t *testing.T) {
	replacePod := func(t *testing.T, s *stage) {
		s.deletePod(t)
		if err := s.Client("somebody").Create(t.Context(), s.pod()); err != nil {
			t.Fatal(err)
		}
	}
	patch := func(p *plan.Plan, pod *corev1.Pod) { p.Patch("mine", pod, withLabel(pod)) }
	status := func(p *plan.Plan, pod *corev1.Pod) { p.Status(pod, withPhase(pod, corev1.PodRunning)) }
	for _, tt := range []struct {
		name      string
		plan      func(p *plan.Plan, pod *corev1.Pod)
		meanwhile func(t *testing.T, s *stage)
	}{
		{"a patch of what was deleted", patch, func(t *testing.T, s *stage) { s.deletePod(t) }},
		{"a patch of what was replaced by another of its name", patch, replacePod},
		{"a status of what was deleted", status, func(t *testing.T, s *stage) { s.deletePod(t) }},
		{"a status of what was replaced by another of its name", status, replacePod},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.plansOnce(func(p *plan.Plan, pod *corev1.Pod) {
				tt.plan(p, pod)
				tt.meanwhile(t, s)
			})
			if result := s.mustPass(t); result.RequeueAfter != 20*time.Millisecond {
				t.Errorf("looks again after %s, want 20ms as after any conflict", result.RequeueAfter)
			}
			for _, pod := range looptest.All[*corev1.Pod](s.World) {
				if pod.Labels != nil || pod.Status.Phase != "" {
					t.Errorf("what was meant for the one before it was written to another object: %v", pod)
				}
			}
			if result := s.passWithCache(t); !result.IsZero() {
				t.Errorf("looks again after %s once the cache shows what happened, want rest", result.RequeueAfter)
			}
		})
	}
}

// Only a conflict over the UID says that what was to be deleted is gone. Any other is a deletion that did not happen.
func TestADeletionThatIsRefusedAsAConflict(t *testing.T) {
	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "configmaps"}, "old", errors.New("the server has its reasons"))
	remove := func(t *testing.T, s *stage) {
		if err := s.Client("somebody").Delete(t.Context(), s.stored("old")); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name      string
		meanwhile func(t *testing.T, s *stage)
		again     bool
	}{
		{"and the object is still there", func(*testing.T, *stage) {}, true},
		{"and there is none of its name any more", remove, false},
		{"and another has its name", func(t *testing.T, s *stage) { remove(t, s); s.Put(aConfigMap("old")) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.Put(aConfigMap("old"))
			s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) { p.Delete("surplus", s.stored("old")) })
			s.Refuse = func(w looptest.Write) error {
				if w.By == "somebody" {
					return nil
				}
				tt.meanwhile(t, s)
				return conflict
			}
			if result := s.mustPass(t); (result.RequeueAfter != 0) != tt.again {
				t.Errorf("looks again after %s; it has to: %t", result.RequeueAfter, tt.again)
			}
		})
	}
}

func TestAStatusThatIsGoneWhileItIsWritten(t *testing.T) {
	s := newStage(t)
	s.plan = func(p *plan.Plan, pod *corev1.Pod) { p.Status(pod, withPhase(pod, corev1.PodRunning)) }
	s.Refuse = func(looptest.Write) error { // deleted before the write, and made anew behind it
		s.Refuse = nil
		s.deletePod(t)
		if err := s.Client("somebody").Create(t.Context(), s.pod()); err != nil {
			t.Fatal(err)
		}
		return apierrors.NewNotFound(ofPods, key.Name)
	}
	if result := s.mustPass(t); result.RequeueAfter == 0 {
		t.Error("does not look again, although the object is another one now")
	}
}

func TestAKindWithoutAStatusSubresourceIsAnErrorThatSaysSo(t *testing.T) {
	s := newStage(t)
	s.refuses("patch/status", apierrors.NewNotFound(ofPods, key.Name))
	s.plan = func(p *plan.Plan, pod *corev1.Pod) { p.Status(pod, withPhase(pod, corev1.PodRunning)) }
	_, err := s.pass(t)
	if err == nil || !strings.Contains(err.Error(), "the kind Pod has no status subresource") {
		t.Errorf("the pass ends with %v, want an error that names what is missing", err)
	}
}

func TestAKindThatTheServerDoesNotHaveIsNoConflict(t *testing.T) {
	for name, answer := range map[string]error{
		"when nothing serves the path": apierrors.NewGenericServerResponse(404, "patch", ofPods, key.Name, "404 page not found", 0, true),
		"when no object is named":      apierrors.NewNotFound(ofPods, ""),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.refuses("patch", answer)
			s.plan = func(p *plan.Plan, pod *corev1.Pod) { p.Patch("mine", pod, withLabel(pod)) }
			if _, err := s.pass(t); !errors.Is(err, answer) {
				t.Errorf("the pass ends with %v, want the error of the server", err)
			}
		})
	}
}

func TestStepsTellOfEachObjectHowItWent(t *testing.T) {
	event := func(kind plan.EventType, reason string) func(client.Object) plan.Event {
		return func(obj client.Object) plan.Event {
			return plan.Event{Regarding: obj, Type: kind, Reason: reason, Message: obj.GetName()}
		}
	}
	well := event(plan.Normal, "Well")
	badly := func(obj client.Object, _ error) plan.Event { return event(plan.Warning, "Badly")(obj) }
	steps := map[string]func(s *stage, p *plan.Plan){
		"create": func(_ *stage, p *plan.Plan) { p.Create("missing", aConfigMap("new")).Succeeded(well).Failed(badly) },
		"patch": func(s *stage, p *plan.Plan) {
			p.Patch("changed", s.stored("old"), withData(s.stored("old"), map[string]string{"a": "b"})).Succeeded(well).Failed(badly)
		},
		"delete": func(s *stage, p *plan.Plan) {
			p.Delete("surplus", s.stored("old")).Unchanged().Succeeded(well).Failed(badly)
		},
	}
	names := map[string]string{"create": "new", "patch": "old", "delete": "old"}
	for verb, step := range steps {
		for _, tt := range []struct {
			name   string
			answer error
			want   string // "" is silence
		}{
			{"success", nil, "Normal Well "},
			{"a refusal", apierrors.NewForbidden(ofPods, "", errors.New("not you")), "Warning Badly "},
			{"a conflict", apierrors.NewConflict(ofPods, "", errors.New("changed")), ""},
		} {
			t.Run(verb+" after "+tt.name, func(t *testing.T) {
				s := newStage(t)
				s.Put(aConfigMap("old"))
				s.refuses(verb, tt.answer)
				s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) { step(s, p) })
				if _, err := s.pass(t); err != nil && !errors.Is(err, tt.answer) {
					t.Fatal(err)
				}
				var want []string
				if tt.want != "" {
					want = []string{tt.want + names[verb]}
				}
				if diff := cmp.Diff(want, s.recorded()); diff != "" {
					t.Errorf("events differ (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func withLabel(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Labels = map[string]string{"tier": "web"}
	return pod
}
