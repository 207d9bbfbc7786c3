package cycle_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/cycle"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/plugins/gangscheduling"
	"github.com/orrery-dev/orrery/scheduler/plugins/podgrouppodscount"
	"github.com/orrery-dev/orrery/scheduler/plugins/topologyplacementgenerator"
)

// ReportGroup notes how an attempt to schedule a group ended.
func (f *fixture) ReportGroup(_ context.Context, _ *schedulingv1beta1.PodGroup, condition cycle.Condition) error {
	f.groups <- condition
	return nil
}

func (f *fixture) nextGroup(tb testing.TB) cycle.Condition {
	tb.Helper()
	select {
	case condition := <-f.groups:
		return condition
	case <-time.After(time.Minute):
		tb.Fatalf("no attempt on a group ended in a minute; pods are %v", f.Queue.Count())
		return cycle.Condition{}
	}
}

// newGangFixture has the plugins for groups besides the usual ones.
func newGangFixture(tb testing.TB, s settings, nodes ...*corev1.Node) *fixture {
	tb.Helper()
	if s.plugins == nil {
		s.plugins = framework.Registry{}
	}
	s.plugins[gangscheduling.Name] = gangscheduling.New
	f := newFixture(tb, s, nodes...)
	f.Cache.Groups().Serve()
	f.Queue.UseGroups()
	return f
}

func (f *fixture) setGroup(group *schedulingv1beta1.PodGroup) {
	f.Cache.Groups().SetGroup(group)
	f.Queue.SetGroup(group)
}

func (f *fixture) addMembers(pods ...*corev1.Pod) {
	for _, pod := range pods {
		f.Cache.Groups().SetPod(pod)
		f.add(pod)
	}
}

func newGang(name string, minCount int32, changes ...func(*schedulingv1beta1.PodGroup)) *schedulingv1beta1.PodGroup {
	group := &schedulingv1beta1.PodGroup{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID("group-" + name)}}
	group.Spec.SchedulingPolicy.Gang = &schedulingv1beta1.GangSchedulingPolicy{MinCount: minCount}
	for _, change := range changes {
		change(group)
	}
	return group
}

func basic(group *schedulingv1beta1.PodGroup) {
	group.Spec.SchedulingPolicy = schedulingv1beta1.PodGroupSchedulingPolicy{Basic: &schedulingv1beta1.BasicSchedulingPolicy{}}
}

func members(group string, count int, changes ...func(*corev1.Pod)) []*corev1.Pod {
	pods := make([]*corev1.Pod, count)
	for i := range pods {
		pods[i] = newPod(fmt.Sprintf("%s-%d", group, i), "1", "1Mi", changes...)
		pods[i].Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: &group}
	}
	return pods
}

// collect waits until so many pods have been tried, and returns how many were bound and why the others were not the first
// time, sorted.
func (f *fixture) collect(tb testing.TB, pods int) (bound int, refusals []string) {
	tb.Helper()
	tried := map[string]bool{}
	for len(tried) < pods {
		ended := f.next(tb)
		switch {
		case tried[ended.pod]: // What is left of a group that could be scheduled is tried again at once.
			continue
		case ended.node != "":
			bound++
		default:
			refusals = append(refusals, ended.message)
		}
		tried[ended.pod] = true
	}
	slices.Sort(refusals)
	return bound, refusals
}

func TestGroups(t *testing.T) {
	for _, test := range []struct {
		name     string
		nodes    []string // CPUs of each
		group    *schedulingv1beta1.PodGroup
		pods     int
		bound    int
		refusals []string
		status   metav1.ConditionStatus
		message  string
	}{
		{
			name: "a gang that fits is bound", nodes: []string{"1", "2"}, group: newGang("g", 3), pods: 3,
			bound: 3, status: metav1.ConditionTrue,
		},
		{
			name: "of a gang that does not fit, nothing is bound", nodes: []string{"1", "1"}, group: newGang("g", 3), pods: 3,
			refusals: []string{
				"0/2 nodes are available: 2 Insufficient cpu.",
				"pod group is unschedulable, minCount (3) cannot be satisfied: 2 scheduled, 0 remaining, ",
				"pod group is unschedulable, minCount (3) cannot be satisfied: 2 scheduled, 0 remaining, ",
			},
			status: metav1.ConditionFalse, message: "minCount (3) cannot be satisfied: 2 scheduled, 0 remaining, ",
		},
		{
			name: "members beyond minCount need not fit", nodes: []string{"1", "1"}, group: newGang("g", 2), pods: 3,
			bound: 2, refusals: []string{"0/2 nodes are available: 2 Insufficient cpu."}, status: metav1.ConditionTrue,
		},
		{
			name: "members are not tried once too few can be placed", nodes: []string{"1"}, group: newGang("g", 4), pods: 4,
			refusals: []string{
				"0/1 nodes are available: 1 Insufficient cpu.",
				"minCount (4) cannot be satisfied: 1 scheduled, 2 remaining",
				"minCount (4) cannot be satisfied: 1 scheduled, 2 remaining",
				"pod group is unschedulable, minCount (4) cannot be satisfied: 1 scheduled, 2 remaining, ",
			},
			status: metav1.ConditionFalse, message: "minCount (4) cannot be satisfied: 1 scheduled, 2 remaining, ",
		},
		{
			name: "of a basic group, what fits is bound", nodes: []string{"1"}, group: newGang("g", 0, basic), pods: 2,
			bound: 1, refusals: []string{"0/1 nodes are available: 1 Insufficient cpu."}, status: metav1.ConditionTrue,
		},
		{
			name: "a basic group of which nothing fits is unschedulable", nodes: []string{"500m"}, group: newGang("g", 0, basic), pods: 1,
			refusals: []string{"0/1 nodes are available: 1 Insufficient cpu."},
			status:   metav1.ConditionFalse, message: "minCount (1) cannot be satisfied: 0 scheduled, 0 remaining, ",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var nodes []*corev1.Node
			for i, cpu := range test.nodes {
				nodes = append(nodes, newNode(fmt.Sprintf("node-%d", i), cpu, "1Gi"))
			}
			f := newGangFixture(t, settings{}, nodes...)
			f.setGroup(test.group)
			f.addMembers(members("g", test.pods)...)
			f.run(t)
			bound, refusals := f.collect(t, test.pods)
			if bound != test.bound || !slices.Equal(refusals, test.refusals) {
				t.Errorf("%d pods were bound and the others refused with %q, want %d and %q", bound, refusals, test.bound, test.refusals)
			}
			condition := f.nextGroup(t)
			if condition.Status != test.status || condition.Message != test.message {
				t.Errorf("the group is scheduled: %s, because %q; want %s, %q", condition.Status, condition.Message, test.status, test.message)
			}
		})
	}
}

func TestGroupsThatCannotBeTried(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(pods []*corev1.Pod)
		message string
	}{
		"two schedulers": {
			func(pods []*corev1.Pod) { pods[1].Spec.SchedulerName = "other" },
			`all pods in a single pod group should have the same .spec.schedulerName set, got: "other" and "default-scheduler"`,
		},
		"another priority than the group": {
			func(pods []*corev1.Pod) { pods[1].Spec.Priority = ptr.To[int32](7) },
			"all pods in a single pod group should have the same priority as the pod group's priority, got 7 and 0",
		},
		"two preemption policies": {
			func(pods []*corev1.Pod) { pods[1].Spec.PreemptionPolicy = ptr.To(corev1.PreemptNever) },
			"all pods in a single pod group should have the same preemption policy, got Never and PreemptLowerPriority",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newGangFixture(t, settings{}, newNode("node", "4", "1Gi"))
			f.Profiles["other"] = f.profile
			pods := members("g", 2)
			test.change(pods)
			f.setGroup(newGang("g", 2))
			f.addMembers(pods...)
			f.run(t)
			if condition := f.nextGroup(t); condition.Reason != "SchedulerError" || condition.Message != test.message && name != "two schedulers" {
				t.Errorf("the condition is %s %q, want SchedulerError %q", condition.Reason, condition.Message, test.message)
			}
			if bound, _ := f.collect(t, 2); bound > 0 {
				t.Errorf("%d pods were bound, want none", bound)
			}
		})
	}
}

func TestGangWaitsForItsGroupAndItsPods(t *testing.T) {
	f := newGangFixture(t, settings{}, newNode("node", "4", "1Gi"))
	f.run(t)
	pods := members("g", 3)
	f.addMembers(pods[:2]...)
	if counts := f.Queue.Count(); counts.Gated != 2 {
		t.Errorf("pods without their group are %v, want 2 gated", counts)
	}
	f.setGroup(newGang("g", 3))
	if counts := f.Queue.Count(); counts.Gated != 2 {
		t.Errorf("2 pods of 3 are %v, want 2 gated", counts)
	}
	f.addMembers(pods[2])
	if bound, refusals := f.collect(t, 3); bound != 3 {
		t.Errorf("%d pods were bound, want 3; the others: %q", bound, refusals)
	}
}

func TestGangsThatCompete(t *testing.T) {
	f := newGangFixture(t, settings{}, newNode("a", "2", "1Gi"), newNode("b", "2", "1Gi"))
	for _, name := range []string{"first", "second"} {
		f.setGroup(newGang(name, 3))
		f.addMembers(members(name, 3)...)
	}
	f.run(t)
	bound, refusals := f.collect(t, 6)
	if bound != 3 || len(refusals) != 3 {
		t.Fatalf("%d pods were bound and %d refused, want 3 and 3", bound, len(refusals))
	}
	first, second := f.nextGroup(t), f.nextGroup(t)
	if first.Status != metav1.ConditionTrue || second.Status != metav1.ConditionFalse {
		t.Errorf("the gangs are scheduled: %s and %s, want True and False", first.Status, second.Status)
	}
	_, _, assumed := f.Cache.Size()
	if assumed != 3 {
		t.Errorf("%d pods hold places, want 3", assumed)
	}
}

// approval says no to one pod: at once, or when nobody has approved it for so long.
type approval struct {
	pod string
	in  time.Duration
}

func (approval) Name() string { return "Approval" }

func (a approval) Permit(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) (*fwk.Status, time.Duration) {
	switch {
	case pod.Name != a.pod:
		return nil, 0
	case a.in == 0:
		return fwk.NewStatus(fwk.Unschedulable, "not approved"), 0
	}
	return fwk.NewStatus(fwk.Wait), a.in
}

func TestGangWithAMemberThatIsNotPermittedGivesBackAllPlaces(t *testing.T) {
	const others = "0/1 nodes are available: 1 rejected with its pod group while waiting on permit: 3 pods needed, 1 of 3 rejected."
	for _, test := range []struct {
		name     string
		after    time.Duration
		refusals []string
		// status is what the attempt on the group came to. It does not wait for approvals.
		status  metav1.ConditionStatus
		message string
	}{
		{
			"at once", 0, []string{"0/1 nodes are available: 1 not approved.", others, others},
			metav1.ConditionFalse, "pod group is unschedulable, minCount (3) cannot be satisfied: 2 scheduled, 0 remaining",
		},
		{
			"after a while", 50 * time.Millisecond,
			[]string{"0/1 nodes are available: 1 rejected due to timeout after waiting 50ms at plugin Approval.", others, others},
			metav1.ConditionTrue, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newGangFixture(t, settings{plugins: framework.Registry{
				"Approval": func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
					return approval{"g-1", test.after}, nil
				},
			}}, newNode("node", "4", "1Gi"))
			f.setGroup(newGang("g", 3))
			f.addMembers(members("g", 3)...)
			f.run(t)
			bound, refusals := f.collect(t, 3)
			if bound != 0 || !slices.Equal(refusals, test.refusals) {
				t.Errorf("%d pods were bound and the others refused with %q, want 0 and %q", bound, refusals, test.refusals)
			}
			if condition := f.nextGroup(t); condition.Status != test.status || condition.Message != test.message {
				t.Errorf("the group is scheduled: %s, because %q; want %s, %q", condition.Status, condition.Message, test.status, test.message)
			}
			f.eventually(t, "all wait for their back-off", func() bool { return f.Queue.Count().Backoff == 3 })
			if more := len(f.groups); more > 5 {
				t.Errorf("the group was tried %d times more before all its pods waited for their back-off, want a few times at most", more)
			}
		})
	}
}

func TestPlacements(t *testing.T) {
	rack := func(name string) func(*corev1.Node) {
		return func(node *corev1.Node) { node.Labels["rack"] = name }
	}
	inOneRack := func(group *schedulingv1beta1.PodGroup) {
		group.Spec.SchedulingConstraints = &schedulingv1beta1.PodGroupSchedulingConstraints{
			Topology: []schedulingv1beta1.TopologyConstraint{{Key: "rack"}},
		}
	}
	racks := []*corev1.Node{
		newNode("a1", "1", "1Gi", rack("a")), newNode("a2", "1", "1Gi", rack("a")),
		newNode("b1", "2", "1Gi", rack("b")), newNode("b2", "1", "1Gi", rack("b")),
		newNode("none", "64", "1Gi"),
	}
	plugins := func() settings {
		return settings{plugins: framework.Registry{
			topologyplacementgenerator.Name: topologyplacementgenerator.New, podgrouppodscount.Name: podgrouppodscount.New,
		}}
	}
	t.Run("a gang lies in the rack where the most of it fits", func(t *testing.T) {
		f := newGangFixture(t, plugins(), racks...)
		f.setGroup(newGang("g", 2, inOneRack))
		f.addMembers(members("g", 3)...)
		f.run(t)
		for range 3 {
			if ended := f.next(t); ended.node != "b1" && ended.node != "b2" {
				t.Errorf("%s ended up on %q (%s), want rack b", ended.pod, ended.node, ended.message)
			}
		}
	})
	t.Run("a gang that fits into no rack is not placed across several", func(t *testing.T) {
		f := newGangFixture(t, plugins(), racks...)
		f.setGroup(newGang("g", 4, inOneRack))
		f.addMembers(members("g", 4)...)
		f.run(t)
		condition := f.nextGroup(t)
		want := "pod group is unschedulable, 0/2 placements are available, first placement status: minCount (4) cannot be satisfied: 2 scheduled, 1 remaining, "
		if condition.Message != want {
			t.Errorf("the condition says %q, want %q", condition.Message, want)
		}
	})
	t.Run("a gang that asks for nothing can be anywhere", func(t *testing.T) {
		f := newGangFixture(t, plugins(), racks...)
		f.setGroup(newGang("g", 5))
		f.addMembers(members("g", 5)...)
		f.run(t)
		if bound, refusals := f.collect(t, 5); bound != 5 {
			t.Errorf("%d pods were bound, want 5; the others: %q", bound, refusals)
		}
	})
}

// TestLargeGang holds that each of 1,000 members sees those before it: they fill the cluster to the last CPU.
func TestLargeGang(t *testing.T) {
	const count, nodes = 1000, 500
	f := newGangFixture(t, settings{})
	for i := range nodes {
		f.Cache.AddNode(newNode(fmt.Sprintf("node-%d", i), "2", "1Gi"))
	}
	f.setGroup(newGang("g", count))
	f.addMembers(members("g", count)...)
	start := time.Now()
	f.run(t)
	if condition := f.nextGroup(t); condition.Status != metav1.ConditionTrue {
		t.Fatalf("the gang is not scheduled: %s", condition.Message)
	}
	t.Logf("decided in %v", time.Since(start))
	perNode := map[string]int{}
	for range count {
		perNode[f.next(t).node]++
	}
	for node, pods := range perNode {
		if pods != count/nodes {
			t.Errorf("%d pods are on node %q, want %d", pods, node, count/nodes)
		}
	}
}
