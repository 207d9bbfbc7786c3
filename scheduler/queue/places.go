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
				q.hold(entry, plugin.Name())
				return true
			}
		}
	}
	return false
}

func (q *Queue) askGate(entry *Entry, plugin fwk.PreEnqueuePlugin) (status *fwk.Status) {
	ctx := klog.NewContext(context.Background(), q.options.Logger)
	start := time.Now()
	defer func() {
		metrics.ExtensionPointDuration.WithLabelValues(framework.PreEnqueue, status.Code().String(), entry.profile()).
			Observe(time.Since(start).Seconds())
	}()
	defer framework.Recovered(ctx, framework.PreEnqueue, plugin.Name(), &status)
	return plugin.PreEnqueue(ctx, entry.GetPod())
}

func (q *Queue) hold(entry *Entry, plugin string) {
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
		gauge(entry).Sub(float64(entry.size()))
		defer func() { gauge(entry).Add(float64(entry.size())) }()
	}
	entry.gate, entry.gateEvents = plugin, nil
	if plugin != "" {
		entry.gateEvents = q.hints.eventsOf(entry.profile(), plugin)
	}
}

// move puts an entry into another place and counts it there.
func (q *Queue) move(entry *Entry, to place, event string) {
	switch {
	case entry.place == unschedulable:
		q.waiting.remove(entry)
		gauge(entry).Sub(float64(entry.size()))
	case entry.place != nowhere:
		if heap := q.heapOf(entry.place); heap != nil {
			heap.remove(entry)
		}
		gauge(entry).Sub(float64(entry.size()))
	}
	entry.place = to
	switch to {
	case nowhere:
		return
	case unschedulable:
		q.waiting.add(entry, q.hints)
	case incomplete:
	default:
		q.heapOf(to).add(entry)
	}
	gauge(entry).Add(float64(entry.size()))
	metrics.QueueIncoming.WithLabelValues(queueName(entry), event).Add(float64(entry.size()))
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

// blame counts the entry for the plugins that refused it, or with -1 no longer.
func (q *Queue) blame(entry *Entry, count float64) {
	for plugin := range entry.rejectors() {
		metrics.UnschedulableReasons.WithLabelValues(plugin, entry.profile()).Add(count)
	}
}

func gauge(entry *Entry) prometheus.Gauge {
	name := queueName(entry)
	if entry.place == unschedulable && entry.gate != "" {
		name = metrics.QueueGated
	}
	return metrics.PendingPods.WithLabelValues(name)
}

func queueName(entry *Entry) string {
	switch entry.place {
	case active:
		return metrics.QueueActive
	case unschedulable:
		return metrics.QueueUnschedulable
	case incomplete:
		return metrics.QueueIncomplete
	}
	return metrics.QueueBackoff
}
