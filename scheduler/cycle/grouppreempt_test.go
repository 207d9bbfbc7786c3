package cycle_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/plugins/defaultpreemption"
)

// Evict lets a pod go at once.
func (f *fixture) Evict(_ context.Context, pod *corev1.Pod, _ corev1.PodCondition) (bool, error) {
	f.mutex.Lock()
	delete(f.pods, pod.Name)
	f.mutex.Unlock()
	f.evicted <- pod.Name
	if _, err := f.Cache.RemovePod(pod.UID); err != nil {
		return false, err
	}
	f.Queue.Move(fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}, pod, nil, nil)
	return true, nil
}

func newPreemptingFixture(t *testing.T, nodes ...*corev1.Node) *fixture {
	t.Helper()
	var f *fixture
	f = newGangFixture(t, settings{plugins: framework.Registry{
		defaultpreemption.Name: func(ctx context.Context, _ runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
			args := &configv1.DefaultPreemptionArgs{MinCandidateNodesPercentage: ptr.To[int32](10), MinCandidateNodesAbsolute: ptr.To[int32](100)}
			return defaultpreemption.Factory(later{func() *fixture { return f }})(ctx, args, handle)
		},
	}}, nodes...)
	t.Cleanup(func() {
		if err := f.profile.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// later is the API of a fixture that is being built.
type later struct{ fixture func() *fixture }

func (l later) Pod(namespace, name string) *corev1.Pod { return l.fixture().Pod(namespace, name) }

func (l later) Counted(uid types.UID) *corev1.Pod {
	pod, _ := l.fixture().Cache.Pod(uid)
	return pod
}

func (l later) Nominated(pod *corev1.Pod) string { return l.fixture().Queue.NominatedNode(pod.UID) }

func (l later) Evict(ctx context.Context, pod *corev1.Pod, condition corev1.PodCondition) (bool, error) {
	return l.fixture().Evict(ctx, pod, condition)
}

func (l later) Report(ctx context.Context, pod *corev1.Pod, condition *corev1.PodCondition, nominating *fwk.NominatingInfo) error {
	return l.fixture().Report(ctx, pod, condition, nominating)
}

func (f *fixture) place(t *testing.T, node string, pods ...*corev1.Pod) {
	t.Helper()
	for _, pod := range pods {
		pod.Spec.NodeName = node
		f.mutex.Lock()
		f.pods[pod.Name] = pod
		f.mutex.Unlock()
		if err := f.Cache.AddPod(pod); err != nil {
			t.Fatal(err)
		}
	}
}

func important(value int32) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.Priority = &value }
}

func importantGroup(value int32) func(*schedulingv1beta1.PodGroup) {
	return func(group *schedulingv1beta1.PodGroup) { group.Spec.Priority = &value }
}

func together(group *schedulingv1beta1.PodGroup) {
	group.Spec.DisruptionMode = &schedulingv1beta1.DisruptionMode{All: &schedulingv1beta1.AllDisruptionMode{}}
}

func TestGangPreempts(t *testing.T) {
	three := []*corev1.Node{newNode("a", "1", "1Gi"), newNode("b", "1", "1Gi"), newNode("c", "1", "1Gi")}
	t.Run("as many pods as it needs, and lands in their places", func(t *testing.T) {
		f := newPreemptingFixture(t, three...)
		for _, node := range three {
			f.place(t, node.Name, newPod("on-"+node.Name, "1", "1Mi", important(1)))
		}
		f.setGroup(newGang("g", 2, importantGroup(10)))
		f.addMembers(members("g", 2, important(10))...)
		f.run(t)
		want := "minCount (2) cannot be satisfied: 0 scheduled, 1 remaining, pod group preemption: found a placement for podgroup, preempting 2 victims"
		if condition := f.nextGroup(t); condition.Message != want {
			t.Errorf("the group is told %q, want %q", condition.Message, want)
		}
		gone := map[string]bool{f.nextEvicted(t): true, f.nextEvicted(t): true}
		for bound := 0; bound < 2; {
			ended := f.next(t)
			if ended.node == "" {
				continue
			}
			if bound++; !gone["on-"+ended.node] {
				t.Errorf("%s is on node %s, and evicted were %v", ended.pod, ended.node, gone)
			}
		}
	})
	t.Run("a gang that goes as a whole, whole", func(t *testing.T) {
		f := newPreemptingFixture(t, three[:2]...)
		f.setGroup(newGang("whole", 2, importantGroup(1), together))
		victims := members("whole", 2, important(1))
		f.place(t, "a", victims[0])
		f.place(t, "b", victims[1])
		f.setGroup(newGang("g", 1, importantGroup(10)))
		f.addMembers(members("g", 1, important(10))...)
		f.run(t)
		gone := map[string]bool{f.nextEvicted(t): true, f.nextEvicted(t): true}
		if len(gone) != 2 {
			t.Errorf("evicted were %v, want both pods of the group", gone)
		}
	})
	t.Run("nothing that is as important, and nothing where it would not help", func(t *testing.T) {
		f := newPreemptingFixture(t, three[:2]...)
		f.place(t, "a", newPod("equal", "1", "1Mi", important(10)))
		f.place(t, "b", newPod("low", "1", "1Mi", important(1)))
		f.setGroup(newGang("g", 2, importantGroup(10)))
		f.addMembers(members("g", 2, important(10))...)
		f.run(t)
		want := "minCount (2) cannot be satisfied: 0 scheduled, 1 remaining, pod group preemption: minCount (2) cannot be satisfied: 1 scheduled, 0 remaining"
		if condition := f.nextGroup(t); condition.Message != want {
			t.Errorf("the group is told %q, want %q", condition.Message, want)
		}
		if f.Pod("default", "low") == nil {
			t.Error("a pod was evicted in vain")
		}
	})
	t.Run("not where its policy is Never", func(t *testing.T) {
		f := newPreemptingFixture(t, three[:1]...)
		f.place(t, "a", newPod("low", "1", "1Mi", important(1)))
		f.setGroup(newGang("g", 1, importantGroup(10)))
		f.addMembers(members("g", 1, important(10), func(pod *corev1.Pod) { pod.Spec.PreemptionPolicy = ptr.To(corev1.PreemptNever) })...)
		f.run(t)
		want := "minCount (1) cannot be satisfied: 0 scheduled, 0 remaining, pod group preemption: not eligible due to preemptionPolicy=Never."
		if condition := f.nextGroup(t); condition.Message != want {
			t.Errorf("the group is told %q, want %q", condition.Message, want)
		}
	})
}
