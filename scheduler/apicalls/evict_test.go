package apicalls_test

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/scheduler/apicalls"
)

// underBothNamings runs a test in a world that has one pod.
func underBothNamings(t *testing.T, test func(t *testing.T, w *looptest.World)) {
	t.Helper()
	for _, naming := range apis.Namings() {
		t.Run(string(naming), func(t *testing.T) {
			test(t, worldUnder(t, naming))
		})
	}
}

// worldUnder has one pod, by the names of a naming.
func worldUnder(t *testing.T, naming apis.Naming) *looptest.World {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, naming); err != nil {
		t.Fatal(err)
	}
	w := looptest.NewWorld(scheme)
	w.Put(victim())
	return w
}

func victim() *ocorev1.Pod {
	return &ocorev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "victim"}}
}

// stored is the only pod, or nil.
func stored(w *looptest.World) *corev1.Pod {
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		return (*corev1.Pod)(pod.DeepCopy())
	}
	return nil
}

var disrupted = corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonPreemptionByScheduler}

func conflict(why string) error {
	return apierrors.NewConflict(corev1.Resource("pods"), "victim", errors.New(why))
}

// conflicting refuses the first writes of a kind that the scheduler makes; below 0 is all.
func conflicting(verb string, times int) func(looptest.Write) error {
	return func(w looptest.Write) error {
		if w.By != "scheduler" || w.Verb != verb || times == 0 {
			return nil
		}
		times--
		return conflict("the object has been modified")
	}
}

func TestEvict(t *testing.T) {
	const always = -1
	somebodyWrites := func(_ *testing.T, w *looptest.World) {
		looptest.Edit(w, "somebody", victim(), func(pod *ocorev1.Pod) { pod.Labels = map[string]string{"changed": "true"} })
	}
	for _, tt := range []struct {
		name      string
		meanwhile func(*testing.T, *looptest.World)
		there     bool // what Evict reports
		fails     bool
		left      bool // whether a pod is there afterwards
	}{
		{name: "deletes the pod", there: true},
		{name: "deletes a pod that somebody else has written to", meanwhile: somebodyWrites, there: true},
		{name: "tries again when the status meets conflicts at first", there: true,
			meanwhile: func(_ *testing.T, w *looptest.World) { w.Refuse = conflicting("patch/status", 2) }},
		{name: "fails, and keeps the pod, when the status meets conflicts again and again", fails: true, left: true,
			meanwhile: func(_ *testing.T, w *looptest.World) { w.Refuse = conflicting("patch/status", always) }},
		{name: "tries again when the deletion meets conflicts at first", there: true,
			meanwhile: func(_ *testing.T, w *looptest.World) { w.Refuse = conflicting("delete", 2) }},
		{name: "fails when the deletion of the very pod meets conflicts again and again", fails: true, left: true,
			meanwhile: func(_ *testing.T, w *looptest.World) { w.Refuse = conflicting("delete", always) }},
		{name: "says of a pod that has gone that it was not there",
			meanwhile: func(t *testing.T, w *looptest.World) { remove(t, w) }},
		{name: "leaves another pod of the name alone", left: true,
			meanwhile: func(t *testing.T, w *looptest.World) { remove(t, w); w.Put(victim()) }},
		{name: "leaves a pod alone that takes the name when the status is written", left: true,
			meanwhile: func(t *testing.T, w *looptest.World) {
				w.Wrote = func(wrote looptest.Write) {
					if wrote.By == "scheduler" && wrote.Verb == "patch/status" {
						remove(t, w)
						w.Put(victim())
					}
				}
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			underBothNamings(t, func(t *testing.T, w *looptest.World) {
				seen := stored(w)
				if tt.meanwhile != nil {
					tt.meanwhile(t, w)
				}
				there, err := apicalls.NewVictims(w.Client("scheduler")).Evict(t.Context(), seen, disrupted)
				if there != tt.there || (err != nil) != tt.fails {
					t.Errorf("reports %t, %v; want %t and an error: %t", there, err, tt.there, tt.fails)
				}
				if left := stored(w) != nil; left != tt.left {
					t.Errorf("a pod is there afterwards: %t, want %t", left, tt.left)
				}
			})
		})
	}
}

func remove(t *testing.T, w *looptest.World) {
	t.Helper()
	if err := w.Client("somebody").Delete(t.Context(), victim()); err != nil {
		t.Fatal(err)
	}
}
