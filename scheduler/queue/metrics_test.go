package queue

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// series reads what a collector exports: the values by their labels.
func series(t *testing.T, collector prometheus.Collector) map[string]float64 {
	t.Helper()
	exported := make(chan prometheus.Metric, 1000)
	collector.Collect(exported)
	close(exported)
	values := map[string]float64{}
	for each := range exported {
		var written dto.Metric
		if err := each.Write(&written); err != nil {
			t.Fatal(err)
		}
		labels := ""
		for _, label := range written.GetLabel() {
			labels += " " + label.GetValue()
		}
		values[labels] = written.GetGauge().GetValue() + written.GetCounter().GetValue()
	}
	return values
}

// counted holds what has been counted since it began; other tests of the package leave their own queues behind.
func counted(t *testing.T, collector prometheus.Collector) func(want map[string]float64) {
	t.Helper()
	before := series(t, collector)
	return func(want map[string]float64) {
		t.Helper()
		since := series(t, collector)
		for labels := range since {
			since[labels] -= before[labels]
		}
		maps.DeleteFunc(since, func(_ string, value float64) bool { return value == 0 })
		if difference := cmp.Diff(want, since); difference != "" {
			t.Errorf("counted differently (-want +got):\n%s", difference)
		}
	}
}

func TestAGroupCountsAsOneEntityAndAsItsPods(t *testing.T) {
	q, clock, gate := newGroupQueue(t, 2)
	entities, pods := counted(t, metrics.QueuedEntities), counted(t, metrics.PendingPods)
	q.Add(newPod("alone"))
	gate.add(q, "a")
	// Labels are in the order of their names: the queue, then the type.
	entities(map[string]float64{" active pod": 1, " gated podgroup": 1})
	gate.add(q, "b", "c")
	entities(map[string]float64{" active pod": 1, " active podgroup": 1})
	pods(map[string]float64{" active": 4})
	group := q.Pop()
	for group.GroupName().Name == "" {
		giveBack(t, q, group, "Refuser")
		group = q.Pop()
	}
	refuseGroup(t, q, group, "Refuser")
	entities(map[string]float64{" unschedulable pod": 1, " unschedulable podgroup": 1})
	pods(map[string]float64{" unschedulable": 4})
	clock.Step(time.Hour)
	q.flushUnschedulable()
	entities(map[string]float64{" active pod": 1, " active podgroup": 1})
	for range 2 {
		q.Pop()
	}
	entities(map[string]float64{})
	pods(map[string]float64{})
}

func TestAGroupThatHasNotBeenSeenIsNoEntity(t *testing.T) {
	q, _ := newTestQueue(t)
	q.UseGroups()
	entities, pods := counted(t, metrics.QueuedEntities), counted(t, metrics.PendingPods)
	q.Add(newPod("a", member("unseen")))
	entities(map[string]float64{})
	pods(map[string]float64{" incomplete": 1})
	q.SetGroup(newTestGroup("unseen"))
	entities(map[string]float64{" active podgroup": 1})
	q.RemoveGroup("default", "unseen")
	entities(map[string]float64{})
	pods(map[string]float64{" incomplete": 1})
}

func TestEntitiesAreCountedWhenTheyComeToAnotherQueue(t *testing.T) {
	q, _, gate := newGroupQueue(t, 2)
	gate.add(q, "a")
	entities, pods := counted(t, metrics.EntityIncoming), counted(t, metrics.QueueIncoming)
	gate.add(q, "b", "c")
	added := podAdded.Label()
	// Labels are in the order of their names: the event, the queue, the type. The last pod joins a group that is active.
	entities(map[string]float64{fmt.Sprintf(" %s active podgroup", added): 1})
	group := q.Pop()
	refuseGroup(t, q, group) // an error: it waits for its back-off
	const failed = "ScheduleAttemptFailure"
	entities(map[string]float64{
		fmt.Sprintf(" %s active podgroup", added):   1,
		fmt.Sprintf(" %s backoff podgroup", failed): 1,
	})
	// The second pod came to a group that waited, the third to one that was active.
	pods(map[string]float64{
		fmt.Sprintf(" %s unschedulable", added): 1,
		fmt.Sprintf(" %s active", added):        3,
		fmt.Sprintf(" %s backoff", failed):      3,
	})
}

func TestAGroupOutOfBackoffCountsAllOfItsPods(t *testing.T) {
	q, _, gate := newGroupQueue(t, 2)
	gate.add(q, "a", "b")
	refuseGroup(t, q, q.Pop(), "Headcount")
	entities, pods := counted(t, metrics.EntityIncoming), counted(t, metrics.QueueIncoming)
	gate.add(q, "c") // worth a try after the back-off
	if group := q.Pop(); group.GroupName().Name != "g" {
		t.Fatalf("popped %v, want the group", group.ref())
	}
	entities(map[string]float64{" PopFromBackoffQ active podgroup": 1, " " + podAdded.Label() + " backoff podgroup": 1})
	pods(map[string]float64{
		" " + podAdded.Label() + " unschedulable": 1, " " + podAdded.Label() + " backoff": 3, " PopFromBackoffQ active": 3,
	})
}
