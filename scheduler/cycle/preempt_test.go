package cycle_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/plugins/defaultpreemption"
)

// unheard is the API of a fixture whose scheduler has not heard of the evictions that are answered.
type unheard struct{ later }

func (u unheard) Evict(_ context.Context, pod *corev1.Pod, _ corev1.PodCondition) (bool, error) {
	f := u.fixture()
	f.mutex.Lock()
	delete(f.pods, pod.Name)
	f.mutex.Unlock()
	f.evicted <- pod.Name
	return true, nil
}

// newUnheardFixture has one pod of a low priority, low-NAME, on each node, which it fills.
func newUnheardFixture(t *testing.T, nodes ...string) *fixture {
	t.Helper()
	return newUnheardFixtureWith(t, settings{plugins: framework.Registry{}}, nodes...)
}

// newUnheardFixtureWith is newUnheardFixture with other settings.
func newUnheardFixtureWith(t *testing.T, s settings, nodes ...string) *fixture {
	t.Helper()
	var f *fixture
	s.plugins[defaultpreemption.Name] = func(ctx context.Context, _ runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
		args := &configv1.DefaultPreemptionArgs{MinCandidateNodesPercentage: ptr.To[int32](100), MinCandidateNodesAbsolute: ptr.To[int32](1)}
		return defaultpreemption.Factory(unheard{later{func() *fixture { return f }}})(ctx, args, handle)
	}
	f = newFixture(t, s)
	t.Cleanup(func() {
		if err := f.profile.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, node := range nodes {
		f.Cache.AddNode(newNode(node, "1", "1Gi"))
		f.place(t, node, newPod("low-"+node, "1", "1Mi", important(1)))
	}
	return f
}

func onNode(node string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.NodeName = node }
}

// left tells the scheduler that a pod has left its node.
func (f *fixture) left(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	if _, err := f.Cache.RemovePod(pod.UID); err != nil {
		t.Fatal(err)
	}
	f.Queue.Move(assignedPodDeleted, pod, nil, nil)
}

var assignedPodDeleted = fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}

func TestAPreemptorWaitsUntilTheSchedulerHasHeardOfItsVictims(t *testing.T) {
	f := newUnheardFixture(t, "a", "b")
	f.run(t)
	f.add(newPod("urgent", "1", "1Mi", important(10)))
	f.next(t)
	name := f.nextEvicted(t)
	victim := newPod(name, "1", "1Mi", onNode(name[len("low-"):]))
	f.left(t, newPod("unrelated", "1", "1Mi", onNode("c"))) // The event of somebody else's end, which is for all pods that wait for room.
	if count := f.Queue.Count(); count.Gated != 1 {
		t.Errorf("the preemptor is tried again too early: %s", count)
	}
	f.left(t, victim)
	if ended := f.next(t); "low-"+ended.node != victim.Name {
		t.Errorf("the next attempt ended with %+v, want the pod in the place of %s", ended, victim.Name)
	}
	if len(f.evicted) > 0 {
		t.Errorf("%s was evicted as well", <-f.evicted)
	}
}

func TestAPreemptorKeepsToItsNominationBeforeThatIsWritten(t *testing.T) {
	f := newUnheardFixture(t, "a", "b")
	f.run(t)
	f.add(newPod("urgent", "1", "1Mi", important(10)))
	f.next(t)
	name := f.nextEvicted(t)
	ending := newPod(name, "1", "1Mi", important(1), onNode(name[len("low-"):]), func(pod *corev1.Pod) {
		pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = ptr.To(metav1.Now()), ptr.To[int64](30)
		pod.Status.Conditions = []corev1.PodCondition{
			{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonPreemptionByScheduler},
		}
	})
	if err := f.Cache.UpdatePod(ending); err != nil {
		t.Fatal(err)
	}
	f.left(t, newPod("unrelated", "1", "1Mi", onNode("c")))
	const want = "0/2 nodes are available: 2 Insufficient cpu. preemption: not eligible due to a terminating pod on the nominated node."
	if ended := f.next(t); ended.message != want {
		t.Errorf("the next attempt ended with %+v, want the message %q", ended, want)
	}
	f.left(t, ending)
	if ended := f.next(t); ended.node != ending.Spec.NodeName {
		t.Errorf("the last attempt ended with %+v, want the pod on node %s", ended, ending.Spec.NodeName)
	}
	if len(f.evicted) > 0 {
		t.Errorf("%s was evicted as well", <-f.evicted)
	}
}
