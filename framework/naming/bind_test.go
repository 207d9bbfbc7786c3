package naming_test

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/naming"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

func TestBind(t *testing.T) {
	edit := func(change func(*corev1.Pod)) func(*testing.T, *looptest.World) {
		return func(_ *testing.T, w *looptest.World) { looptest.Edit(w, "somebody", aPod(nil), change) }
	}
	remove := func(t *testing.T, w *looptest.World) {
		if err := w.Client("somebody").Delete(t.Context(), aPod(nil)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name      string
		pod       func(*corev1.Pod)
		meanwhile func(*testing.T, *looptest.World) // after the pod was decided on
		want      string                            // the node that the pod is assigned to in the end
		fails     func(error) bool                  // nil: it does not
	}{
		{
			name: "assigns a pod to a node",
			want: "n1",
		},
		{
			name:      "assigns a pod that has changed and can still be bound",
			meanwhile: edit(func(pod *corev1.Pod) { pod.Labels = map[string]string{"tier": "web"} }),
			want:      "n1",
		},
		{
			name:      "leaves a pod that somebody else has bound",
			meanwhile: edit(func(pod *corev1.Pod) { pod.Spec.NodeName = "n2" }),
			want:      "n2", fails: apierrors.IsConflict,
		},
		{
			name:      "leaves a pod that got a gate",
			meanwhile: edit(func(pod *corev1.Pod) { pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "hold"}} }),
			fails:     apierrors.IsConflict,
		},
		{
			name:      "leaves a pod that is being deleted",
			pod:       func(pod *corev1.Pod) { pod.Finalizers = []string{"example.org/hold"} },
			meanwhile: remove,
			fails:     apierrors.IsConflict,
		},
		{
			name: "leaves another pod of its name",
			meanwhile: func(t *testing.T, w *looptest.World) {
				remove(t, w)
				if err := w.Client("somebody").Create(t.Context(), aPod(nil)); err != nil {
					t.Fatal(err)
				}
			},
			fails: apierrors.IsConflict,
		},
		{
			name:      "does not find a pod that is gone",
			meanwhile: remove,
			fails:     apierrors.IsNotFound,
		},
	} {
		for group, served := range groups {
			t.Run(group+" "+tt.name, func(t *testing.T) {
				w := newWorld(t, served, aPod(tt.pod))
				decidedOn := stored(w)
				if tt.meanwhile != nil {
					tt.meanwhile(t, w)
				}
				err := naming.Bind(t.Context(), w.Client("scheduler"), decidedOn, "n1")
				if tt.fails == nil && err != nil || tt.fails != nil && !tt.fails(err) {
					t.Errorf("ends with %v", err)
				}
				if pod := stored(w); pod != nil && pod.Spec.NodeName != tt.want {
					t.Errorf("the pod is assigned to %q, want %q", pod.Spec.NodeName, tt.want)
				}
			})
		}
	}
}

func TestABoundPodIsScheduledAndNoLongerNominated(t *testing.T) {
	for name, group := range groups {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, group, aPod(func(pod *corev1.Pod) { pod.Status.NominatedNodeName = "n3" }))
			if err := naming.Bind(t.Context(), w.Client("scheduler"), stored(w), "n1"); err != nil {
				t.Fatal(err)
			}
			pod := stored(w)
			want := map[corev1.PodConditionType]corev1.ConditionStatus{
				"example.org/Approved": corev1.ConditionTrue,
				corev1.PodReady:        corev1.ConditionFalse,
				corev1.PodScheduled:    corev1.ConditionTrue,
			}
			if diff := cmp.Diff(want, conditionsOf(pod)); diff != "" {
				t.Errorf("conditions differ (-want +got):\n%s", diff)
			}
			if pod.Status.NominatedNodeName != "" {
				t.Errorf("the pod is still nominated to %q", pod.Status.NominatedNodeName)
			}
		})
	}
}

func TestAServerThatIsBusyIsAskedAgain(t *testing.T) {
	for name, group := range groups {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, group, aPod(nil))
			refusals := 2
			w.Refuse = func(looptest.Write) error {
				if refusals--; refusals >= 0 {
					return apierrors.NewServiceUnavailable("busy")
				}
				return nil
			}
			if err := naming.Bind(t.Context(), w.Client("scheduler"), stored(w), "n1"); err != nil {
				t.Fatal(err)
			}
			if node := stored(w).Spec.NodeName; node != "n1" {
				t.Errorf("the pod is assigned to %q, want n1", node)
			}
		})
	}
}

// TestABindingWhoseAnswerIsLost holds that the pod is as complete as if the answer had come. A server that answers with an
// error of its own is asked again, and finds what it did the first time.
func TestABindingWhoseAnswerIsLost(t *testing.T) {
	for name, lost := range map[string]error{
		"with the connection":   io.ErrUnexpectedEOF,
		"in the server's error": apierrors.NewInternalError(io.ErrUnexpectedEOF),
	} {
		for group, served := range groups {
			t.Run(group+" "+name, func(t *testing.T) {
				w := newWorld(t, served, aPod(nil))
				w.Lose = func(write looptest.Write) error {
					if write.Verb == "patch" || write.Verb == "create/binding" {
						return lost
					}
					return nil
				}
				if err := naming.Bind(t.Context(), w.Client("scheduler"), stored(w), "n1"); err != nil {
					t.Errorf("ends with %v, although the pod is bound", err)
				}
				if scheduled := conditionsOf(stored(w))[corev1.PodScheduled]; scheduled != corev1.ConditionTrue {
					t.Errorf("PodScheduled is %q, want True", scheduled)
				}
			})
		}
	}
}

func TestAnotherSchedulersBindingIsNotTakenForALostOne(t *testing.T) {
	for group, served := range groups {
		t.Run(group, func(t *testing.T) {
			w := newWorld(t, served, aPod(nil))
			w.Refuse = func(write looptest.Write) error {
				if write.By != "scheduler" {
					return nil
				}
				w.Refuse = nil
				looptest.Edit(w, "somebody", aPod(nil), func(pod *corev1.Pod) { pod.Spec.NodeName = "n2" })
				return io.ErrUnexpectedEOF
			}
			if err := naming.Bind(t.Context(), w.Client("scheduler"), stored(w), "n1"); err == nil {
				t.Error("a pod counts as bound that is on another node")
			}
		})
	}
}

func TestABindingIsNotTakenBackWhenItsConditionCannotBeWritten(t *testing.T) {
	w := newWorld(t, groups["orrery"], aPod(nil))
	w.Refuse = func(write looptest.Write) error {
		if write.Verb == "patch/status" {
			return apierrors.NewForbidden(ofPods, "web", nil)
		}
		return nil
	}
	if err := naming.Bind(t.Context(), w.Client("scheduler"), stored(w), "n1"); err != nil {
		t.Errorf("ends with %v, although the pod is bound", err)
	}
	if node := stored(w).Spec.NodeName; node != "n1" {
		t.Errorf("the pod is assigned to %q, want n1", node)
	}
}

func TestAnObjectThatTheSchemeDoesNotKnowIsRefused(t *testing.T) {
	w := newWorld(t, "", aPod(nil))
	for name, err := range map[string]error{
		"to bind":             naming.Bind(t.Context(), w.Client("scheduler"), &corev1.Node{}, "n1"),
		"to patch the status": naming.PatchStatus(t.Context(), w.Client("scheduler"), &corev1.Node{}, &corev1.Node{}),
	} {
		if err == nil {
			t.Errorf("%s: no error for a kind that the scheme does not know", name)
		}
	}
}
