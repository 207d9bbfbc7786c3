package terminatedpodgc

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// threshold is small, so that it is soon crossed.
const threshold = 3

// TestThereAreNeverTooFew lets random pods end, be made and be deleted, under both namings: no pod that runs is deleted, and
// none when there are few; and in the end there are no more than may be.
func TestThereAreNeverTooFew(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme:     scheme,
			Loops:      []loop.Loop{Loop(Options{Threshold: threshold})},
			Start:      somePods,
			Change:     endOrComeOrGo,
			Invariants: []looptest.Invariant{keepsWhatMayStay},
			Converged:  noMoreThanMayBe,
		})
	})
}

func somePods(t *rapid.T) []client.Object {
	var objs []client.Object
	for i := range rapid.IntRange(0, 8).Draw(t, "pods") {
		pod := terminated(fmt.Sprintf("p%d", i), time.Duration(i)*time.Minute)
		pod.Status.Phase = rapid.SampledFrom([]corev1.PodPhase{corev1.PodRunning, corev1.PodSucceeded, corev1.PodFailed}).Draw(t, "phase")
		objs = append(objs, &pod)
	}
	return objs
}

func endOrComeOrGo(t *rapid.T, w *looptest.World) {
	pods := looptest.All[*ocorev1.Pod](w)
	what := rapid.IntRange(0, 2).Draw(t, "what")
	if len(pods) == 0 || what == 0 {
		made := &ocorev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "more-"}}
		if err := w.Client("user").Create(context.Background(), made); err != nil {
			t.Fatal(err)
		}
		return
	}
	pod := pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")]
	if what == 1 {
		looptest.Edit(w, "kubelet", pod, func(pod *ocorev1.Pod) { pod.Status.Phase = corev1.PodSucceeded })
		return
	}
	if err := w.Client("user").Delete(context.Background(), pod.DeepCopy()); err != nil {
		t.Fatal(err)
	}
}

// keepsWhatMayStay is the invariant that the loop deletes terminated pods only. That others went a moment ago it may not
// have seen, so how many are left is no invariant.
func keepsWhatMayStay(_ *looptest.World, wrote looptest.Write) error {
	pod, ok := wrote.Before.(*ocorev1.Pod)
	if ok && wrote.By == "terminated-pod-garbage-collector-controller" && !replicas.Ended(pod) {
		return errors.New("the pod has not ended")
	}
	return nil
}

func noMoreThanMayBe(w *looptest.World) error {
	n := 0
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if replicas.Ended(pod) {
			n++
		}
	}
	if n > threshold {
		return fmt.Errorf("%d pods have terminated, want at most %d", n, threshold)
	}
	return nil
}
