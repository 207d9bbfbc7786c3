package apicalls_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/scheduler/apicalls"
)

// behind is a cache that shows a pod as it was.
type behind struct {
	client.Reader
	pod *ocorev1.Pod
}

func (b behind) Get(_ context.Context, _ client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	b.pod.DeepCopyInto(into.(*ocorev1.Pod))
	return nil
}

func unschedulable(message string) *corev1.PodCondition {
	return &corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: message}
}

func TestWhatIsReportedIsWrittenThoughTheCacheIsBehind(t *testing.T) {
	underBothNamings(t, func(t *testing.T, w *looptest.World) {
		old := (*ocorev1.Pod)(stored(w))
		looptest.Edit(w, "somebody", victim(), func(pod *ocorev1.Pod) { pod.Status.Message = "somebody was here" })
		statuses := apicalls.NewPodStatuses(apicalls.NewCached(behind{pod: old}), w.Client("scheduler"))
		report(t, statuses, old, "no room")
		got := stored(w)
		if len(got.Status.Conditions) != 1 || got.Status.Conditions[0].Message != "no room" || got.Status.Message != "somebody was here" {
			t.Errorf("the status is %v", got.Status)
		}
	})
}

// TestNothingIsSaidOfAPodThatGotItsNodeMeanwhile is about custom resources: the patch of a built-in kind is about no version.
func TestNothingIsSaidOfAPodThatGotItsNodeMeanwhile(t *testing.T) {
	w := worldUnder(t, apis.Orrery)
	old := (*ocorev1.Pod)(stored(w))
	looptest.Edit(w, "another scheduler", victim(), func(pod *ocorev1.Pod) { pod.Spec.NodeName = "node" })
	report(t, apicalls.NewPodStatuses(apicalls.NewCached(behind{pod: old}), w.Client("scheduler")), old, "no room")
	if got := stored(w); len(got.Status.Conditions) > 0 {
		t.Errorf("the conditions are %v", got.Status.Conditions)
	}
}

// report reports, and waits until that is written.
func report(t *testing.T, statuses *apicalls.PodStatuses, pod *ocorev1.Pod, message string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		statuses.Run(ctx)
	}()
	if err := statuses.Report(ctx, (*corev1.Pod)(pod), unschedulable(message), nil); err != nil {
		t.Error(err)
	}
	statuses.Flush(pod.UID)
	stop()
	<-ended
}
