package naming_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/naming"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var ofPods = schema.GroupResource{Resource: "pods"}

// statuses are those of the conditions that a pod of these tests begins with.
func statuses(approved, ready corev1.ConditionStatus) map[corev1.PodConditionType]corev1.ConditionStatus {
	return map[corev1.PodConditionType]corev1.ConditionStatus{"example.org/Approved": approved, corev1.PodReady: ready}
}

func setReady(pod *corev1.Pod) { pod.Status.Conditions[1].Status = corev1.ConditionTrue }

// disapprove changes another condition of the same list.
func disapprove(w *looptest.World) {
	looptest.Edit(w, "somebody", aPod(nil), func(pod *corev1.Pod) { pod.Status.Conditions[0].Status = corev1.ConditionFalse })
}

func TestPatchStatus(t *testing.T) {
	for _, tt := range []struct {
		name      string
		group     string
		meanwhile func(*looptest.World)
		want      map[corev1.PodConditionType]corev1.ConditionStatus
		conflict  bool
	}{
		{name: "writes the status of a built-in kind", group: "kubernetes", want: statuses(corev1.ConditionTrue, corev1.ConditionTrue)},
		{name: "writes the status of a custom resource", group: "orrery", want: statuses(corev1.ConditionTrue, corev1.ConditionTrue)},
		{
			name: "keeps what somebody else wrote into the same list of a built-in kind", group: "kubernetes",
			meanwhile: disapprove, want: statuses(corev1.ConditionFalse, corev1.ConditionTrue),
		},
		{
			name: "is a conflict when somebody else has written to a custom resource, whose lists are replaced", group: "orrery",
			meanwhile: disapprove, want: statuses(corev1.ConditionFalse, corev1.ConditionFalse), conflict: true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, groups[tt.group], aPod(nil))
			old := stored(w)
			if tt.meanwhile != nil {
				tt.meanwhile(w)
			}
			ready := old.DeepCopy()
			setReady(ready)
			err := naming.PatchStatus(t.Context(), w.Client("agent"), old, ready)
			if apierrors.IsConflict(err) != tt.conflict || err != nil && !tt.conflict {
				t.Errorf("ends with %v, want a conflict: %t", err, tt.conflict)
			}
			if diff := cmp.Diff(tt.want, conditionsOf(stored(w))); diff != "" {
				t.Errorf("conditions differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheStatusOfWhatIsGoneIsNotFound(t *testing.T) {
	for name, group := range groups {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, group, aPod(nil))
			old := stored(w)
			if err := w.Client("somebody").Delete(t.Context(), aPod(nil)); err != nil {
				t.Fatal(err)
			}
			ready := old.DeepCopy()
			setReady(ready)
			if err := naming.PatchStatus(t.Context(), w.Client("agent"), old, ready); !apierrors.IsNotFound(err) {
				t.Errorf("ends with %v, want not found", err)
			}
		})
	}
}
