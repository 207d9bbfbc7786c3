package queue

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

func newTestGroup(name string, changes ...func(*schedulingv1beta1.PodGroup)) *schedulingv1beta1.PodGroup {
	group := &schedulingv1beta1.PodGroup{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	for _, change := range changes {
		change(group)
	}
	return group
}

func member(group string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: &group} }
}

// headcount holds pods of groups back until there are as many as it wants.
type headcount struct {
	want  int
	pods  sets.Set[string]
	asked int
}

func (*headcount) Name() string { return "Headcount" }

func (h *headcount) PreEnqueue(_ context.Context, pod *corev1.Pod) *fwk.Status {
	h.asked++
	if pod.Spec.SchedulingGroup == nil || h.pods.Len() >= h.want {
		return nil
	}
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "too few")
}

// newGroupQueue is a test queue which knows the group g, and holds its pods back until there are as many as want.
func newGroupQueue(t interface{ Fatal(...any) }, want int) (*Queue, *testingclock.FakeClock, *headcount) {
	q, clock := newTestQueue(t)
	gate := &headcount{want: want, pods: sets.New[string]()}
	q.options.PreEnqueue[profile] = append(q.options.PreEnqueue[profile], gate)
	q.hints.byProfile[profile] = append(q.hints.byProfile[profile],
		framework.Hint{Plugin: gate.Name(), Event: podAdded, Function: answer(fwk.Queue, nil)})
	q.UseGroups()
	q.SetGroup(newTestGroup("g"))
	return q, clock, gate
}

func (h *headcount) add(q *Queue, names ...string) {
	for _, name := range names {
		h.pods.Insert(name)
		q.Add(newPod(name, member("g")))
	}
}

// refuseGroup gives back all pods of a group in flight as refused by a plugin; none means by an error.
func refuseGroup(t interface{ Fatal(...any) }, q *Queue, entry *Entry, plugins ...string) {
	status := fwk.NewStatus(fwk.Unschedulable, "refused")
	if len(plugins) == 0 {
		status = fwk.NewStatus(fwk.Error, "broken")
	}
	for _, pod := range entry.Members() {
		giveBack(t, q, pod, plugins...)
	}
	q.RequeueGroup(entry, status)
}

func names(entries []*Entry) (names []string) {
	for _, entry := range entries {
		names = append(names, entry.GetPod().Name)
	}
	return names
}

func TestGroupIsOneEntry(t *testing.T) {
	q, clock, gate := newGroupQueue(t, 3)
	gate.add(q, "b")
	clock.Step(time.Second)
	gate.add(q, "a", "d")
	q.Add(newPod("single"))
	expect(t, q, Counts{Active: 4})
	entry := q.Pop()
	if entry.Type() != fwk.PodGroupKeyType || entry.GroupName().Name != "g" {
		t.Fatalf("popped a %s, want the group, which came first", entry.Type())
	}
	if got := fmt.Sprint(names(entry.Members())); got != "[b a d]" {
		t.Errorf("the members are %v, want [b a d]: by time, then by name", got)
	}
	expect(t, q, Counts{Active: 1, InFlight: 3})
}

func TestGroupHasThePriorityOfItsObject(t *testing.T) {
	q, _, gate := newGroupQueue(t, 1)
	q.Add(newPod("single", priority(5)))
	gate.add(q, "a")
	q.SetGroup(newTestGroup("g", func(group *schedulingv1beta1.PodGroup) { group.Spec.Priority = ptr.To[int32](9) }))
	if entry := q.Pop(); entry.Type() != fwk.PodGroupKeyType {
		t.Errorf("popped pod %s, want the group, which is more important", entry.GetPod().Name)
	}
}

func TestGroupWaits(t *testing.T) {
	t.Run("for as many pods as the gate wants", func(t *testing.T) {
		q, _, gate := newGroupQueue(t, 3)
		gate.add(q, "a", "b")
		expect(t, q, Counts{Gated: 2})
		gate.add(q, "c")
		expect(t, q, Counts{Active: 3})
	})
	t.Run("for its object", func(t *testing.T) {
		q, _ := newTestQueue(t)
		q.UseGroups()
		q.Add(newPod("a", member("late")))
		expect(t, q, Counts{Gated: 1})
		q.Move(framework.PodFlushed, nil, nil, nil)
		expect(t, q, Counts{Gated: 1})
		q.SetGroup(newTestGroup("late"))
		expect(t, q, Counts{Active: 1})
		q.RemoveGroup("default", "late")
		expect(t, q, Counts{Gated: 1})
	})
	t.Run("when one of its pods has a gate", func(t *testing.T) {
		q, _, gate := newGroupQueue(t, 2)
		gate.pods.Insert("a")
		q.Add(newPod("a", member("g"), gated))
		gate.add(q, "b")
		expect(t, q, Counts{Gated: 2})
		q.Update(newPod("a", member("g"), gated), newPod("a", member("g")))
		expect(t, q, Counts{Active: 2})
	})
	t.Run("again when a pod is deleted", func(t *testing.T) {
		q, _, gate := newGroupQueue(t, 2)
		gate.add(q, "a", "b")
		gate.pods.Delete("a")
		q.Delete(newPod("a", member("g")))
		expect(t, q, Counts{Gated: 1})
		gate.add(q, "c")
		expect(t, q, Counts{Active: 2})
	})
	t.Run("no more when the pod with the gate is deleted", func(t *testing.T) {
		q, _, gate := newGroupQueue(t, 1)
		q.Add(newPod("a", member("g"), gated))
		gate.add(q, "b")
		q.Delete(newPod("a", member("g"), gated))
		expect(t, q, Counts{Active: 1})
	})
}

func TestRefusedGroups(t *testing.T) {
	for _, test := range []struct {
		name    string
		refused []string
		event   fwk.ClusterEvent
		want    Counts
	}{
		{"an event of the plugin that refused a pod brings the group back", []string{"Room"}, nodeAdded, Counts{Backoff: 2}},
		{"an event of another plugin does not", []string{"Room"}, nodeTainted, Counts{Unschedulable: 2}},
		{"an event which the plugin says does not help is ignored", []string{"Stubborn"}, nodeAdded, Counts{Unschedulable: 2}},
		{"a wildcard event brings back everything", []string{"Stubborn"}, framework.PodFlushed, Counts{Backoff: 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			q, _, gate := newGroupQueue(t, 2)
			gate.add(q, "a", "b")
			refuseGroup(t, q, q.Pop(), test.refused...)
			expect(t, q, Counts{Unschedulable: 2})
			q.Move(test.event, nil, nil, nil)
			expect(t, q, test.want)
		})
		t.Run(test.name+", also while the group is in flight", func(t *testing.T) {
			q, _, gate := newGroupQueue(t, 2)
			gate.add(q, "a", "b")
			entry := q.Pop()
			q.Move(test.event, nil, nil, nil)
			refuseGroup(t, q, entry, test.refused...)
			expect(t, q, test.want)
		})
	}
	t.Run("the plugin that refused the group as a whole counts as well", func(t *testing.T) {
		q, _, gate := newGroupQueue(t, 1)
		gate.add(q, "a")
		entry := q.Pop()
		giveBack(t, q, entry.Members()[0])
		q.RequeueGroup(entry, fwk.NewStatus(fwk.Unschedulable, "too few").WithPlugin("Taint"))
		expect(t, q, Counts{Unschedulable: 1})
		q.Move(nodeTainted, nil, nil, nil)
		expect(t, q, Counts{Backoff: 1})
	})
}

func TestGroupBackoff(t *testing.T) {
	q, clock, gate := newGroupQueue(t, 2)
	gate.add(q, "a", "b")
	for attempt, seconds := range []int{1, 2, 4, 8, 10, 10} {
		entry := q.Pop()
		refuseGroup(t, q, entry, "Room")
		if got, want := entry.GetBackoffExpiration().Sub(clock.Now()), time.Duration(seconds)*time.Second; got != want {
			t.Errorf("after refusal %d the back-off is %v, want %v", attempt+1, got, want)
		}
		clock.Step(time.Duration(seconds) * time.Second)
		q.Move(nodeAdded, nil, nil, nil)
		expect(t, q, Counts{Active: 2})
	}
}

func TestGroupComesBackAfterAnError(t *testing.T) {
	q, clock, gate := newGroupQueue(t, 2)
	gate.add(q, "a", "b")
	refuseGroup(t, q, q.Pop())
	expect(t, q, Counts{Backoff: 2})
	clock.Step(time.Second)
	q.flushBackoff()
	expect(t, q, Counts{Active: 2})
}

func TestWhatIsLeftOfAScheduledGroupComesBackAtOnce(t *testing.T) {
	q, _, gate := newGroupQueue(t, 2)
	gate.add(q, "a", "b", "c")
	entry := q.Pop()
	giveBack(t, q, entry.Members()[2], "Room")
	q.RequeueGroup(entry, nil)
	q.Done("a")
	q.Done("b")
	expect(t, q, Counts{Active: 1})
	if entry := q.Pop(); fmt.Sprint(names(entry.Members())) != "[c]" {
		t.Errorf("the members are %v, want [c]", names(entry.Members()))
	}
}

func TestPodsThatComeWhileTheirGroupIsInFlight(t *testing.T) {
	q, _, gate := newGroupQueue(t, 1)
	gate.add(q, "a")
	entry := q.Pop()
	gate.add(q, "b")
	expect(t, q, Counts{InFlight: 2})
	q.Activate(klog.Background(), map[string]*corev1.Pod{"b": newPod("b", member("g"))})
	refuseGroup(t, q, entry, "Stubborn")
	expect(t, q, Counts{Backoff: 2})
	q.Delete(newPod("b", member("g")))
	expect(t, q, Counts{Backoff: 1})
}

func TestPodsThatCouldNotBeBound(t *testing.T) {
	// bindable is a queue with a group whose attempt has just ended well, and its two pods, which are being bound.
	bindable := func(t *testing.T) (*Queue, *testingclock.FakeClock, *headcount, []*Entry) {
		q, clock, gate := newGroupQueue(t, 2)
		gate.add(q, "a", "b")
		entry := q.Pop()
		pods := entry.Members()
		q.RequeueGroup(entry, nil)
		return q, clock, gate, pods
	}
	t.Run("one comes back alone after its back-off", func(t *testing.T) {
		q, clock, _, pods := bindable(t)
		q.Done(pods[0].GetPod().UID)
		giveBack(t, q, pods[1])
		expect(t, q, Counts{Backoff: 1})
		clock.Step(time.Second)
		q.flushBackoff()
		expect(t, q, Counts{Active: 1})
	})
	t.Run("several come back together, since the first is not tried early", func(t *testing.T) {
		q, clock, _, pods := bindable(t)
		giveBack(t, q, pods[0], "Room")
		q.Add(newPod("other"))
		if entry := q.Pop(); entry.GetPod() == nil || entry.GetPod().Name != "other" {
			t.Errorf("popped %s, want the pod that need not wait", entry.ref())
		}
		q.Done("other")
		giveBack(t, q, pods[1], "Room")
		if q.backoff.Len() > 0 {
			t.Error("the group can be popped before its back-off has passed")
		}
		clock.Step(time.Second)
		q.flushBackoff()
		expect(t, q, Counts{Active: 2})
	})
	t.Run("one that comes late brings back its group, which was refused for want of it", func(t *testing.T) {
		q, clock, _, pods := bindable(t)
		giveBack(t, q, pods[0], "Room")
		clock.Step(time.Second)
		q.flushBackoff()
		refuseGroup(t, q, q.Pop(), "Stubborn")
		expect(t, q, Counts{Unschedulable: 1, InFlight: 1})
		giveBack(t, q, pods[1], "Room")
		expect(t, q, Counts{Backoff: 2})
	})
	t.Run("one that comes while its group is tried again makes it wait", func(t *testing.T) {
		q, clock, _, pods := bindable(t)
		giveBack(t, q, pods[0], "Room")
		clock.Step(time.Second)
		q.flushBackoff()
		entry := q.Pop()
		giveBack(t, q, pods[1], "Room")
		q.Move(nodeAdded, nil, nil, nil)
		refuseGroup(t, q, entry, "Room")
		expect(t, q, Counts{Backoff: 2})
		if q.backoff.Len() > 0 {
			t.Error("the group can be popped before its back-off has passed")
		}
	})
	t.Run("they wait longer each time", func(t *testing.T) {
		q, clock, _, pods := bindable(t)
		for attempt, seconds := range []int{1, 2, 4, 8, 10, 10} {
			for _, pod := range pods {
				giveBack(t, q, pod, "Room")
			}
			clock.Step(time.Duration(seconds)*time.Second - 1)
			q.flushBackoff()
			expect(t, q, Counts{Backoff: 2})
			clock.Step(1)
			q.flushBackoff()
			expect(t, q, Counts{Active: 2})
			entry := q.Pop()
			if pods = entry.Members(); len(pods) != 2 {
				t.Fatalf("attempt %d has %d pods, want 2", attempt+2, len(pods))
			}
			q.RequeueGroup(entry, nil)
		}
	})
}

func TestActivatingAPodActivatesItsGroup(t *testing.T) {
	q, _, gate := newGroupQueue(t, 2)
	gate.add(q, "a", "b")
	refuseGroup(t, q, q.Pop(), "Stubborn")
	q.Activate(klog.Background(), map[string]*corev1.Pod{"a": newPod("a", member("g"))})
	expect(t, q, Counts{Active: 2})
}

func TestWithoutGroupsEveryPodIsOnItsOwn(t *testing.T) {
	q, _ := newTestQueue(t)
	q.Add(newPod("a", member("g")))
	if entry := q.Pop(); entry.Type() != fwk.PodKeyType {
		t.Errorf("popped a %s, want the pod", entry.Type())
	}
}

func TestAsManyQuestionsAreAskedAsThereArePods(t *testing.T) {
	const count = 2000
	q, _, gate := newGroupQueue(t, count)
	for i := range count {
		gate.add(q, fmt.Sprintf("pod-%05d", i))
	}
	if entry := q.Pop(); len(entry.Members()) != count {
		t.Errorf("the group has %d members, want %d", len(entry.Members()), count)
	}
	if gate.asked > 4*count {
		t.Errorf("the gate was asked %d times about %d pods, want a few times for each", gate.asked, count)
	}
}
