package queue

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	testingclock "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// groupModel is what a test knows of a queue with two groups.
type groupModel struct {
	*Queue
	clock    *testingclock.FakeClock
	gate     *headcount
	pods     map[string]*corev1.Pod // those that exist and are not bound
	flying   map[string]*Entry      // groups in flight, by name
	binding  map[types.UID]*Entry   // pods whose group is not in flight any more
	woken    sets.Set[string]       // "group plugin": the plugin's event came since the group was popped
	waitsFor map[string]string      // by group
}

// TestNoMemberIsLost drives a queue with groups with random operations and holds three things: every pod is in exactly one
// place, no group waits for an event that has come since it was last popped, and once everything has been flushed no
// group waits but those that lack pods or their object.
func TestNoMemberIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q, clock, gate := newGroupQueue(t, 2)
		q.SetGroup(newTestGroup("h"))
		m := &groupModel{
			Queue: q, clock: clock, gate: gate, pods: map[string]*corev1.Pod{}, flying: map[string]*Entry{}, binding: map[types.UID]*Entry{},
			woken: sets.New[string](), waitsFor: map[string]string{},
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": m.add, "delete": m.remove, "pop": m.pop, "end": m.end, "bind": m.bind, "event": m.event,
			"group comes": func(t *rapid.T) { q.SetGroup(newTestGroup(anyGroup(t))) },
			"group goes":  func(t *rapid.T) { q.RemoveGroup("default", anyGroup(t)) },
			"time": func(t *rapid.T) {
				clock.Step(time.Duration(rapid.IntRange(1, 400).Draw(t, "seconds")) * time.Second)
				q.flushBackoff()
				q.flushUnschedulable()
			},
			"": m.check,
		})
		gate.want = 0
		q.SetGroup(newTestGroup("g"))
		q.SetGroup(newTestGroup("h"))
		q.Move(framework.PodFlushed, nil, nil, nil)
		if len(q.unschedulable.all) > 0 {
			t.Fatalf("%d groups still wait after an event for all", len(q.unschedulable.all))
		}
	})
}

func anyGroup(t *rapid.T) string { return rapid.SampledFrom([]string{"g", "h"}).Draw(t, "group") }

func anyMember(t *rapid.T) string {
	return fmt.Sprintf("%s-%d", anyGroup(t), rapid.IntRange(0, 3).Draw(t, "pod"))
}

func (m *groupModel) known(name string) bool {
	uid := types.UID(name)
	return m.pods[name] != nil || m.binding[uid] != nil || slices.ContainsFunc(slices.Collect(maps.Values(m.flying)), func(entry *Entry) bool {
		return slices.ContainsFunc(entry.Members(), func(pod *Entry) bool { return pod.GetPod().UID == uid })
	})
}

func (m *groupModel) add(t *rapid.T) {
	name := anyMember(t)
	if m.known(name) {
		return
	}
	m.pods[name] = newPod(name, member(name[:1]))
	m.gate.pods.Insert(name)
	m.Add(m.pods[name])
}

func (m *groupModel) remove(t *rapid.T) {
	name := anyMember(t)
	if pod := m.pods[name]; pod != nil {
		delete(m.pods, name)
		m.gate.pods.Delete(name)
		m.Delete(pod)
	}
}

func (m *groupModel) pop(t *rapid.T) {
	if m.active.Len() == 0 && m.backoff.Len() == 0 {
		return
	}
	entry := m.Pop()
	group := entry.GroupName().Name
	m.flying[group] = entry
	delete(m.waitsFor, group)
	for _, plugin := range []string{"Room", "Taint"} {
		m.woken.Delete(group + " " + plugin)
	}
}

// end ends the attempt on a group: it was scheduled, refused or broke.
func (m *groupModel) end(t *rapid.T) {
	group := anyGroup(t)
	entry := m.flying[group]
	if entry == nil {
		return
	}
	plugin := rapid.SampledFrom([]string{"Room", "Taint"}).Draw(t, "plugin")
	outcome := rapid.SampledFrom([]*fwk.Status{nil, fwk.NewStatus(fwk.Unschedulable), fwk.NewStatus(fwk.Error)}).Draw(t, "outcome")
	for _, pod := range entry.Members() {
		uid, name := pod.GetPod().UID, pod.GetPod().Name
		switch {
		case m.pods[name] == nil: // It was deleted meanwhile.
			m.Done(uid)
		case outcome.IsSuccess() && rapid.Bool().Draw(t, "has a place"):
			m.binding[uid] = pod
		case outcome.Code() == fwk.Error:
			giveBack(t, m.Queue, pod)
		default:
			giveBack(t, m.Queue, pod, plugin)
		}
	}
	m.RequeueGroup(entry, outcome)
	delete(m.flying, group)
	if outcome.IsRejected() {
		m.waitsFor[group] = plugin
	}
}

// bind ends the binding of a pod, well or not.
func (m *groupModel) bind(t *rapid.T) {
	name := anyMember(t)
	pod := m.binding[types.UID(name)]
	if pod == nil {
		return
	}
	delete(m.binding, types.UID(name))
	if m.pods[name] == nil || rapid.Bool().Draw(t, "bound") {
		m.Done(pod.GetPod().UID)
		delete(m.pods, name)
		m.gate.pods.Delete(name)
		return
	}
	giveBack(t, m.Queue, pod)
}

func (m *groupModel) event(t *rapid.T) {
	plugin := rapid.SampledFrom([]string{"Room", "Taint"}).Draw(t, "plugin")
	m.Move(map[string]fwk.ClusterEvent{"Room": nodeAdded, "Taint": nodeTainted}[plugin], nil, nil, nil)
	m.woken.Insert("g "+plugin, "h "+plugin)
}

func (m *groupModel) check(t *rapid.T) {
	places := map[string]int{}
	for _, entry := range m.groups {
		for uid := range entry.members {
			places[string(uid)]++
		}
		if entry.place == nowhere && !entry.inFlight && len(entry.members) > 0 {
			t.Fatalf("group %s has %d pods and is nowhere", entry.name, len(entry.members))
		}
		if entry.place != nowhere && len(entry.members) == 0 {
			t.Fatalf("group %s has no pods and is in the queue", entry.name)
		}
		if heap := m.heapOf(entry.place); heap != nil && heap.entries[entry.index] != entry {
			t.Fatalf("group %s does not know where it is", entry.name)
		}
	}
	if len(m.entries) != len(places) {
		t.Fatalf("the queue knows %d pods, and %d are in groups", len(m.entries), len(places))
	}
	inFlight := sets.New[types.UID]()
	for _, entry := range m.flying {
		for _, pod := range entry.Members() {
			inFlight.Insert(pod.GetPod().UID)
		}
	}
	for uid := range m.binding {
		inFlight.Insert(uid)
	}
	for uid := range inFlight {
		places[string(uid)]++
	}
	for name := range m.pods {
		if places[name] != 1 {
			t.Fatalf("pod %s is in %d places, want 1; the queue has %v", name, places[name], m.Count())
		}
	}
	for _, entry := range m.unschedulable.all {
		if plugin := m.waitsFor[entry.name.Name]; entry.gate == "" && m.woken.Has(entry.name.Name+" "+plugin) {
			t.Fatalf("group %s waits for plugin %s, whose event came already", entry.name, plugin)
		}
	}
	counts := m.Count()
	if total := counts.Active + counts.Backoff + counts.Gated + counts.Unschedulable + counts.InFlight; total != len(m.entries)+inFlight.Len() {
		t.Fatalf("the queue counts %v, want %d pods", counts, len(m.entries)+inFlight.Len())
	}
}
