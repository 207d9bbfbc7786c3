package queue

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// activate makes a pod active unless a PreEnqueue plugin holds it back. Pods out of back-off have been asked before.
func (q *Queue) activate(entry *Entry, event string, ask bool) {
	if ask && q.gated(entry) {
		q.move(entry, unschedulable, event)
		return
	}
	q.tried(entry)
	q.move(entry, active, event)
}

// tried notes when a pod or group, and then the pods in it, first became active.
func (q *Queue) tried(entry *Entry) {
	now := q.options.Clock.Now()
	if entry.FirstTried == nil {
		entry.FirstTried = &now
	}
	for pod := range entry.pods() {
		if pod.FirstTried == nil {
			pod.FirstTried = &now
		}
	}
}

// gated asks the PreEnqueue plugins, first the one that said no last, and reports whether one holds the pod, or any pod
// of the group, back.
func (q *Queue) gated(entry *Entry) bool {
	if entry.grouping != nil {
		return q.groupGated(entry)
	}
	before := entry.gate
	q.setGate(entry, "")
	plugins := q.options.PreEnqueue[entry.profile()]
	for _, first := range []bool{true, false} {
		for _, plugin := range plugins {
			if (plugin.Name() == before) != first {
				continue
			}
			if status := q.askGate(entry, plugin); !status.IsSuccess() {
				q.setGated(entry, plugin.Name())
				return true
			}
		}
	}
	return false
}

// stillHeld asks again the plugin that holds a pod back. Most of the time nothing has changed for most of those that wait,
// of which there can be many, so that this comes before anything that costs more.
func (q *Queue) stillHeld(entry *Entry) bool {
	if entry.grouping != nil {
		return false // Its pods may be held back by several.
	}
	for _, plugin := range q.options.PreEnqueue[entry.profile()] {
		if plugin.Name() == entry.gate {
			return !q.askGuardedGate(entry, plugin).IsSuccess()
		}
	}
	return false
}

func (q *Queue) askGate(entry *Entry, plugin fwk.PreEnqueuePlugin) (status *fwk.Status) {
	start := time.Now()
	defer func() {
		metrics.ExtensionPointDuration.WithLabelValues(framework.PreEnqueue, status.Code().String(), entry.profile()).
			Observe(time.Since(start).Seconds())
	}()
	return q.askGuardedGate(entry, plugin)
}

func (q *Queue) askGuardedGate(entry *Entry, plugin fwk.PreEnqueuePlugin) (status *fwk.Status) {
	ctx := klog.NewContext(context.Background(), q.options.Logger)
	defer framework.Recovered(ctx, framework.PreEnqueue, plugin.Name(), &status)
	return plugin.PreEnqueue(ctx, entry.GetPod())
}

func (q *Queue) setGated(entry *Entry, plugin string) {
	if entry.grouping == nil && !entry.rejectors().Has(plugin) {
		metrics.UnschedulableReasons.WithLabelValues(plugin, entry.profile()).Inc()
	}
	if entry.UnschedulablePlugins == nil {
		entry.UnschedulablePlugins = sets.New[string]()
	}
	entry.UnschedulablePlugins.Insert(plugin)
	entry.Flushed = false
	q.setGate(entry, plugin)
}

// setGate changes who holds a pod back, and takes care that a waiting pod is counted as what it is.
func (q *Queue) setGate(entry *Entry, plugin string) {
	if entry.place == unschedulable && (entry.gate == "") != (plugin == "") {
		count(entry, -1)
		defer count(entry, 1)
	}
	entry.gate, entry.gateEvents = plugin, nil
	if plugin != "" {
		entry.gateEvents = q.hints.eventsOf(entry.profile(), plugin)
	}
}

// move puts an entry into another place and counts it there.
func (q *Queue) move(entry *Entry, to place, event string) {
	from := queueName(entry)
	if entry.place == unschedulable {
		q.unschedulable.remove(entry)
	} else if heap := q.heapOf(entry.place); heap != nil {
		heap.remove(entry)
	}
	if entry.place != nowhere {
		count(entry, -1)
	}
	entry.place = to
	switch to {
	case nowhere:
		return
	case unschedulable:
		q.unschedulable.add(entry, q.hints)
	case incomplete:
	default:
		q.heapOf(to).add(entry)
	}
	count(entry, 1)
	countIncoming(entry, from, queueName(entry), event)
	if to == active || to == backoff {
		q.ready.Signal()
	}
}

// heapOf returns the heap of a place, or nil where the place has no order.
func (q *Queue) heapOf(place place) *entryHeap {
	switch place {
	case active:
		return &q.active
	case backoff:
		return &q.backoff
	case errorBackoff:
		return &q.errors
	}
	return nil
}

// countRejectors counts the entry for the plugins that refused it, or with -1 no longer.
func (q *Queue) countRejectors(entry *Entry, count float64) {
	for plugin := range entry.rejectors() {
		metrics.UnschedulableReasons.WithLabelValues(plugin, entry.profile()).Add(count)
	}
}

// count adds the entry and its pods to what is where they are, or with -1 takes them away.
func count(entry *Entry, sign float64) {
	gauge(entry).Add(sign * float64(entry.size()))
	if entry.place != incomplete { // A group that has not been seen is nothing that could be scheduled.
		metrics.QueuedEntities.WithLabelValues(gaugeName(entry), entityName(entry)).Add(sign)
	}
}

// countIncoming counts the pods of an entry each time that it is put somewhere, and the entry itself when that is another
// queue than before, or the first.
func countIncoming(entry *Entry, from, to, event string) {
	metrics.QueueIncoming.WithLabelValues(to, event).Add(float64(entry.size()))
	if from != to && to != metrics.QueueIncomplete {
		metrics.EntityIncoming.WithLabelValues(to, event, entityName(entry)).Inc()
	}
}

func gauge(entry *Entry) prometheus.Gauge {
	return metrics.PendingPods.WithLabelValues(gaugeName(entry))
}

// gaugeName tells those that wait because a PreEnqueue plugin holds them back from the others.
func gaugeName(entry *Entry) string {
	if entry.place == unschedulable && entry.gate != "" {
		return metrics.QueueGated
	}
	return queueName(entry)
}

// queueName returns "" for what is in no queue.
func queueName(entry *Entry) string {
	switch entry.place {
	case nowhere:
		return ""
	case active:
		return metrics.QueueActive
	case unschedulable:
		return metrics.QueueUnschedulable
	case incomplete:
		return metrics.QueueIncomplete
	}
	return metrics.QueueBackoff
}

func entityName(entry *Entry) string {
	if entry.grouping != nil {
		return metrics.EntityGroup
	}
	return metrics.EntityPod
}
