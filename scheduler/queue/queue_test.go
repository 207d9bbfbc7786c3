package queue

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
	"github.com/orrery-dev/orrery/scheduler/plugins/prioritysort"
	"github.com/orrery-dev/orrery/scheduler/plugins/schedulinggates"
)

const profile = "test"

var (
	nodeAdded   = fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}
	nodeTainted = fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.UpdateNodeTaint}
)

// gates is the plugin SchedulingGates with the events it registers.
func gates() (fwk.PreEnqueuePlugin, framework.Hint) {
	event := fwk.ClusterEvent{Resource: fwk.TargetPod, ActionType: fwk.UpdatePodSchedulingGatesEliminated}
	return schedulinggates.Plugin{}, framework.Hint{Plugin: schedulinggates.Name, Event: event, Function: answer(fwk.Queue, nil)}
}

func answer(hint fwk.QueueingHint, err error) fwk.QueueingHintFn {
	return func(klog.Logger, *corev1.Pod, any, any) (fwk.QueueingHint, error) { return hint, err }
}

// newTestQueue has two plugins that refuse pods: one is woken by new nodes, the other by taints.
func newTestQueue(t interface{ Fatal(...any) }) (*Queue, *testingclock.FakeClock) {
	clock := testingclock.NewFakeClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	gate, gateHint := gates()
	q, err := New(Options{
		Less:       prioritysort.Plugin{}.Less,
		Clock:      clock,
		PreEnqueue: map[string][]fwk.PreEnqueuePlugin{profile: {gate}},
		Hints: map[string][]framework.Hint{profile: {
			gateHint,
			{Plugin: "Room", Event: nodeAdded, Function: answer(fwk.Queue, nil)},
			{Plugin: "Taint", Event: nodeTainted, Function: answer(fwk.Queue, nil)},
			{Plugin: "Stubborn", Event: nodeAdded, Function: answer(fwk.QueueSkip, nil)},
			{Plugin: "Broken", Event: nodeAdded, Function: answer(fwk.QueueSkip, errors.New("cannot tell"))},
			{Plugin: "Panicking", Event: nodeAdded, Function: func(klog.Logger, *corev1.Pod, any, any) (fwk.QueueingHint, error) {
				panic("no idea")
			}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return q, clock
}

func newPod(name string, changes ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)},
		Spec:       corev1.PodSpec{SchedulerName: profile},
	}
	for _, change := range changes {
		change(pod)
	}
	return pod
}

func priority(value int32) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.Priority = ptr.To(value) }
}

func gated(pod *corev1.Pod) { pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "wait"}} }

// refuse pops the only pod that can be popped and gives it back as refused by the plugins; none means by an error.
func refuse(t *testing.T, q *Queue, plugins ...string) *Entry {
	t.Helper()
	entry := q.Pop()
	giveBack(t, q, entry, plugins...)
	return entry
}

func giveBack(t interface{ Fatal(...any) }, q *Queue, entry *Entry, plugins ...string) {
	entry.UnschedulablePlugins, entry.PendingPlugins = sets.New(plugins...), nil
	if err := q.Requeue(entry, entry.PodInfo); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, q *Queue, want Counts) {
	t.Helper()
	if got := q.Count(); got != want {
		t.Fatalf("the queue has %v, want %v", got, want)
	}
}

func TestPopOrder(t *testing.T) {
	q, clock := newTestQueue(t)
	q.Add(newPod("first"))
	clock.Step(time.Second)
	q.Add(newPod("second"))
	q.Add(newPod("urgent", priority(10)))
	for _, want := range []string{"urgent", "first", "second"} {
		if got := q.Pop().GetPod().Name; got != want {
			t.Errorf("popped %s, want %s", got, want)
		}
	}
	expect(t, q, Counts{InFlight: 3})
}

func TestRefusedPods(t *testing.T) {
	for _, test := range []struct {
		name    string
		refused []string
		event   fwk.ClusterEvent
		want    Counts
	}{
		{"an event of the plugin that refused brings the pod back", []string{"Room"}, nodeAdded, Counts{Backoff: 1}},
		{"an event of another plugin does not", []string{"Room"}, nodeTainted, Counts{Unschedulable: 1}},
		{"an event of one of several plugins is enough", []string{"Stubborn", "Taint"}, nodeTainted, Counts{Backoff: 1}},
		{"an event which the plugin says does not help is ignored", []string{"Stubborn"}, nodeAdded, Counts{Unschedulable: 1}},
		{"a hint that fails keeps no pod waiting", []string{"Broken"}, nodeAdded, Counts{Backoff: 1}},
		{"a hint that panics keeps no pod waiting", []string{"Panicking"}, nodeAdded, Counts{Backoff: 1}},
		{"a wildcard event brings back everything", []string{"Stubborn"}, framework.PodFlushed, Counts{Backoff: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			q, _ := newTestQueue(t)
			q.Add(newPod("web"))
			refuse(t, q, test.refused...)
			expect(t, q, Counts{Unschedulable: 1})
			q.Move(test.event, nil, nil, nil)
			expect(t, q, test.want)
		})
		t.Run(test.name+", also while the pod is in flight", func(t *testing.T) {
			q, _ := newTestQueue(t)
			q.Add(newPod("web"))
			entry := q.Pop()
			q.Move(test.event, nil, nil, nil)
			giveBack(t, q, entry, test.refused...)
			expect(t, q, test.want)
		})
	}
}

func TestPendingPluginSkipsBackoff(t *testing.T) {
	q, _ := newTestQueue(t)
	q.Add(newPod("web"))
	entry := q.Pop()
	entry.PendingPlugins = sets.New("Room")
	if err := q.Requeue(entry, entry.PodInfo); err != nil {
		t.Fatal(err)
	}
	q.Move(nodeAdded, nil, nil, nil)
	expect(t, q, Counts{Active: 1})
}

func TestMoveLeavesOutWhatTheCheckRefuses(t *testing.T) {
	q, _ := newTestQueue(t)
	for _, name := range []string{"a", "b"} {
		q.Add(newPod(name))
		refuse(t, q, "Room")
	}
	q.Move(nodeAdded, nil, nil, func(pod *corev1.Pod) bool { return pod.Name == "a" })
	expect(t, q, Counts{Backoff: 1, Unschedulable: 1})
}

func TestBackoff(t *testing.T) {
	t.Run("doubles from 1 s to 10 s", func(t *testing.T) {
		q, clock := newTestQueue(t)
		q.Add(newPod("web"))
		for attempt, seconds := range []int{1, 2, 4, 8, 10, 10} {
			want := time.Duration(seconds) * time.Second
			entry := refuse(t, q, "Room")
			if got := entry.GetBackoffExpiration().Sub(clock.Now()); got != want {
				t.Errorf("after refusal %d the back-off is %v, want %v", attempt+1, got, want)
			}
			q.Move(nodeAdded, nil, nil, nil)
			clock.Step(want - time.Millisecond)
			q.flushBackoff()
			expect(t, q, Counts{Backoff: 1})
			clock.Step(time.Millisecond)
			q.flushBackoff()
			expect(t, q, Counts{Active: 1})
		}
	})
	t.Run("is cut short when nothing else is active", func(t *testing.T) {
		q, _ := newTestQueue(t)
		q.Add(newPod("web"))
		refuse(t, q, "Room")
		q.Move(nodeAdded, nil, nil, nil)
		if got := q.Pop().GetPod().Name; got != "web" {
			t.Errorf("popped %s, want web", got)
		}
	})
	t.Run("is never cut short after an error", func(t *testing.T) {
		q, clock := newTestQueue(t)
		q.Add(newPod("broken"))
		refuse(t, q)
		expect(t, q, Counts{Backoff: 1})
		q.Add(newPod("other"))
		if got := q.Pop().GetPod().Name; got != "other" {
			t.Fatalf("popped %s, want other", got)
		}
		clock.Step(time.Second)
		q.flushBackoff()
		expect(t, q, Counts{Active: 1, InFlight: 1})
	})
	t.Run("has passed already when the event comes late", func(t *testing.T) {
		q, clock := newTestQueue(t)
		q.Add(newPod("web"))
		refuse(t, q, "Room")
		clock.Step(time.Minute)
		q.Move(nodeAdded, nil, nil, nil)
		expect(t, q, Counts{Active: 1})
	})
}

func TestPodsComeBackWithoutAnEvent(t *testing.T) {
	q, clock := newTestQueue(t)
	q.Add(newPod("web"))
	refuse(t, q, "Stubborn")
	clock.Step(5 * time.Minute)
	q.flushUnschedulable()
	expect(t, q, Counts{Unschedulable: 1})
	clock.Step(time.Second)
	q.flushUnschedulable()
	expect(t, q, Counts{Active: 1})
	if entry := q.Pop(); !entry.Flushed {
		t.Error("the pod does not say that it was flushed")
	}
}

func TestRunFlushesByTheClock(t *testing.T) {
	q, clock := newTestQueue(t)
	q.Add(newPod("broken"))
	refuse(t, q)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); q.Run(ctx) }()
	popped := make(chan *Entry)
	go func() { popped <- q.Pop() }()
	for deadline := time.After(10 * time.Second); ; {
		select {
		case entry := <-popped:
			if entry.GetPod().Name != "broken" {
				t.Errorf("popped %s, want broken", entry.GetPod().Name)
			}
			cancel()
			<-ended
			return
		case <-deadline:
			t.Fatalf("nothing was popped; the queue has %v", q.Count())
		default:
			clock.Step(100 * time.Millisecond)
		}
	}
}

// lock is a PreEnqueue plugin that holds every pod back while it is closed.
type lock struct{ closed bool }

func (*lock) Name() string { return "Lock" }

func (l *lock) PreEnqueue(context.Context, *corev1.Pod) *fwk.Status {
	if l.closed {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "closed")
	}
	return nil
}

func TestAHintIsAskedForOnlyWhenThePodIsNotHeldBackAnyMore(t *testing.T) {
	asked, gate := 0, &lock{closed: true}
	q, err := New(Options{
		Less:       prioritysort.Plugin{}.Less,
		PreEnqueue: map[string][]fwk.PreEnqueuePlugin{profile: {gate}},
		Hints: map[string][]framework.Hint{profile: {{Plugin: "Lock", Event: nodeAdded, Function: func(klog.Logger, *corev1.Pod, any, any) (fwk.QueueingHint, error) {
			asked++
			return fwk.Queue, nil
		}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	q.Add(newPod("web"))
	q.Move(nodeAdded, nil, nil, nil)
	expect(t, q, Counts{Gated: 1})
	if asked != 0 {
		t.Errorf("a hint was asked for %d times although the pod is held back", asked)
	}
	gate.closed = false
	q.Move(nodeAdded, nil, nil, nil)
	expect(t, q, Counts{Active: 1})
}

func TestGates(t *testing.T) {
	q, clock := newTestQueue(t)
	q.Add(newPod("web", gated))
	expect(t, q, Counts{Gated: 1})
	q.Move(nodeAdded, nil, nil, nil)
	expect(t, q, Counts{Gated: 1})
	clock.Step(time.Hour)
	q.flushUnschedulable()
	expect(t, q, Counts{Gated: 1})
	q.Update(newPod("web", gated), newPod("web"))
	expect(t, q, Counts{Active: 1})
	if entry := q.Pop(); entry.Attempts != 1 {
		t.Errorf("the pod has %d attempts, want 1", entry.Attempts)
	}
}

func TestUpdate(t *testing.T) {
	t.Run("changes the order of active pods", func(t *testing.T) {
		q, _ := newTestQueue(t)
		q.Add(newPod("a"))
		q.Add(newPod("b"))
		q.Update(newPod("b"), newPod("b", priority(5)))
		if got := q.Pop().GetPod().Name; got != "b" {
			t.Errorf("popped %s, want b", got)
		}
	})
	t.Run("is not lost while the pod is in flight", func(t *testing.T) {
		q, _ := newTestQueue(t)
		q.Add(newPod("web"))
		entry := q.Pop()
		q.Update(newPod("web", gated), newPod("web"))
		giveBack(t, q, entry, schedulinggates.Name)
		expect(t, q, Counts{Backoff: 1})
	})
	t.Run("adds a pod that is not there", func(t *testing.T) {
		q, _ := newTestQueue(t)
		q.Update(newPod("web"), newPod("web", priority(1)))
		expect(t, q, Counts{Active: 1})
	})
}

func TestDelete(t *testing.T) {
	q, _ := newTestQueue(t)
	q.Add(newPod("active"))
	q.Add(newPod("gated", gated))
	q.Add(newPod("refused", priority(1)))
	refuse(t, q, "Room")
	for _, name := range []string{"active", "gated", "refused", "unknown"} {
		q.Delete(newPod(name))
	}
	expect(t, q, Counts{})
}

func TestActivate(t *testing.T) {
	q, _ := newTestQueue(t)
	q.Add(newPod("refused"))
	refuse(t, q, "Stubborn")
	q.Activate(klog.Background(), map[string]*corev1.Pod{"a": newPod("refused"), "b": newPod("unknown")})
	expect(t, q, Counts{Active: 1})
	entry := q.Pop()
	q.Activate(klog.Background(), map[string]*corev1.Pod{"a": newPod("refused")})
	giveBack(t, q, entry, "Stubborn")
	expect(t, q, Counts{Backoff: 1})
}

func TestRequeueRefusesWhatCannotBe(t *testing.T) {
	q, _ := newTestQueue(t)
	q.Add(newPod("web"))
	entry := q.Pop()
	other, _ := nodeinfo.NewPodInfo(newPod("web", func(pod *corev1.Pod) { pod.UID = "another" }))
	if err := q.Requeue(entry, other); err == nil {
		t.Error("a pod came back as another")
	}
	expect(t, q, Counts{})
}

func TestCloseEndsPop(t *testing.T) {
	q, _ := newTestQueue(t)
	popped := make(chan *Entry)
	go func() { popped <- q.Pop() }()
	q.Close()
	select {
	case entry := <-popped:
		if entry != nil {
			t.Errorf("popped %s from a closed queue", entry.GetPod().Name)
		}
	case <-time.After(10 * time.Second):
		t.Error("Pop still waits 10 s after the queue was closed")
	}
}

func TestNominations(t *testing.T) {
	names := func(pods []fwk.PodInfo) (names []string) {
		for _, pod := range pods {
			names = append(names, pod.GetPod().Name)
		}
		return names
	}
	nominated := func(node string) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { pod.Status.NominatedNodeName = node }
	}
	for _, test := range []struct {
		name string
		do   func(q *Queue)
		want []string // on node a
	}{
		{"come from the status", func(q *Queue) { q.Add(newPod("web", nominated("a"))) }, []string{"web"}},
		{"override the status", func(q *Queue) {
			info, _ := nodeinfo.NewPodInfo(newPod("web", nominated("b")))
			q.AddNominatedPod(klog.Background(), info, &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: "a"})
		}, []string{"web"}},
		{"move with the status", func(q *Queue) {
			q.Add(newPod("web", nominated("a")))
			q.Update(newPod("web", nominated("a")), newPod("web", nominated("b")))
		}, nil},
		{"that the status does not show yet survive an update", func(q *Queue) {
			q.Add(newPod("web"))
			info, _ := nodeinfo.NewPodInfo(newPod("web"))
			q.AddNominatedPod(klog.Background(), info, &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: "a"})
			q.Update(newPod("web"), newPod("web", priority(1)))
		}, []string{"web"}},
		{"end with the pod", func(q *Queue) {
			q.Add(newPod("web", nominated("a")))
			q.Delete(newPod("web"))
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			q, _ := newTestQueue(t)
			test.do(q)
			if got := names(q.NominatedPodsForNode("a")); fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("nominated to node a are %v, want %v", got, test.want)
			}
		})
	}
}
