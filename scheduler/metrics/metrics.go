// Package metrics holds the scheduler's metrics, with the names, labels and buckets of kube-scheduler, so that existing
// dashboards and alerts work. What the scheduler does not do has no metric: a series that is always zero would lie.
//
// The collectors are shared by all schedulers of one process, as Prometheus registries are.
package metrics

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const subsystem = "scheduler"

// Results of a scheduling attempt.
const (
	Scheduled     = "scheduled"
	Unschedulable = "unschedulable"
	Failed        = "error"
)

// Names of the queues in PendingPods, QueuedEntities, QueueIncoming and EntityIncoming.
const (
	QueueActive        = "active"
	QueueBackoff       = "backoff"
	QueueUnschedulable = "unschedulable"
	QueueGated         = "gated"
	// QueueIncomplete is for pods whose pod group has not been seen, and QueuePending for those that came while their
	// group is being scheduled.
	QueueIncomplete = "incomplete"
	QueuePending    = "pending"
)

// What is queued, in QueuedEntities and EntityIncoming: a pod on its own, or a group with its pods.
const (
	EntityPod   = "pod"
	EntityGroup = "podgroup"
)

// The collectors. Durations are in seconds.
var (
	ScheduleAttempts = counters("schedule_attempts_total",
		"Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, while 'error' means an internal scheduler problem.",
		"result", "profile")
	AttemptDuration = histograms("scheduling_attempt_duration_seconds",
		"Scheduling attempt latency in seconds (scheduling algorithm + binding)",
		prometheus.ExponentialBuckets(0.001, 2, 15), "result", "profile")
	AlgorithmDuration = histograms("scheduling_algorithm_duration_seconds",
		"Scheduling algorithm latency in seconds",
		prometheus.ExponentialBuckets(0.001, 2, 15))
	EventHandlingDuration = histograms("event_handling_duration_seconds",
		"Event handling latency in seconds.",
		prometheus.ExponentialBuckets(0.0001, 2, 12), "event")
	PendingPods = gauges("pending_pods",
		"Number of pending pods, by the queue type. 'active' means number of pods in activeQ; 'backoff' means number of pods in backoffQ; 'unschedulable' means number of pods in unschedulableEntities that the scheduler attempted to schedule and failed; 'gated' is the number of unschedulable pods that the scheduler never attempted to schedule because they are gated; 'incomplete' means number of pods in incompletePodGroupPods; 'pending' means number of pods in pendingPodGroupPods.",
		"queue")
	QueuedEntities = gauges("queued_entities",
		"Number of queued scheduling entities ('pod' or 'podgroup'; 'pod' stands for individual pods that are not members of any podgroup) by the queue type. 'active' means number of entities in activeQ; 'backoff' means number of entities in backoffQ; 'unschedulable' means number of entities in unschedulableEntities that the scheduler attempted to schedule and failed; 'gated' is the number of unschedulable entities that the scheduler never attempted to schedule because they are gated.",
		"queue", "type")
	InFlightEvents = gauges("inflight_events",
		"Number of events currently tracked in the scheduling queue.", "event")
	Goroutines = gauges("goroutines",
		"Number of running goroutines split by the work they do such as binding.", "operation")
	PodSLIDuration = histograms("pod_scheduling_sli_duration_seconds",
		"E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue and might involve multiple scheduling attempts.",
		prometheus.ExponentialBuckets(0.01, 2, 20), "attempts")
	PodAttempts = histograms("pod_scheduling_attempts",
		"Number of attempts to successfully schedule a pod.",
		prometheus.ExponentialBuckets(1, 2, 5))
	PodScheduledAfterFlush = counters("pod_scheduled_after_flush_total",
		"Number of pods that were successfully scheduled after being flushed from unschedulableEntities due to timeout. This metric helps detect potential queueing hint misconfigurations or event handling issues.")
	ExtensionPointDuration = histograms("framework_extension_point_duration_seconds",
		"Latency for running all plugins of a specific extension point.",
		prometheus.ExponentialBuckets(0.0001, 2, 12), "extension_point", "status", "profile")
	PluginDuration = histograms("plugin_execution_duration_seconds",
		"Duration for running a plugin at a specific extension point.",
		prometheus.ExponentialBuckets(0.00001, 1.5, 20), "plugin", "extension_point", "status")
	HintDuration = histograms("queueing_hint_execution_duration_seconds",
		"Duration for running a queueing hint function of a plugin.",
		prometheus.ExponentialBuckets(0.00001, 1.5, 20), "plugin", "event", "hint")
	QueueIncoming = counters("queue_incoming_pods_total",
		"Number of pods added to scheduling queues by event and queue type.", "queue", "event")
	EntityIncoming = counters("queue_incoming_entities_total",
		"Number of scheduling entities added to scheduling queues by event, queue type, and entity type. Entity types are either 'pod' (for individual pods that are not members of any podgroup) or 'podgroup'.",
		"queue", "event", "type")
	PermitWaitDuration = histograms("permit_wait_duration_seconds",
		"Duration of waiting on permit.",
		prometheus.ExponentialBuckets(0.001, 2, 15), "result")
	CacheSize = gauges("cache_size",
		"Number of nodes, pods, and assumed (bound) pods in the scheduler cache.", "type")
	UnschedulableReasons = gauges("unschedulable_pods",
		"The number of unschedulable pods broken down by plugin name. A pod will increment the gauge for all plugins that caused it to not schedule and so this metric have meaning only when broken down by plugin.",
		"plugin", "profile")
	PluginEvaluations = counters("plugin_evaluation_total",
		"Number of attempts to schedule pods by each plugin and the extension point (available only in PreFilter, Filter, PreScore, and Score).",
		"plugin", "extension_point", "profile")
	PluginPanics = counters("plugin_panics_total",
		"Number of panics in plugins, by plugin and extension point. Each failed the attempt of one pod.",
		"plugin", "extension_point")
)

var all []prometheus.Collector

// Register adds all metrics to a registry. Registering again does nothing; a metric of somebody else under one of our
// names is an error.
func Register(registry prometheus.Registerer) error {
	for _, collector := range all {
		err := registry.Register(collector)
		var already prometheus.AlreadyRegisteredError
		if errors.As(err, &already) && already.ExistingCollector == collector {
			continue
		}
		if err != nil {
			return fmt.Errorf("registering the scheduler's metrics: %w", err)
		}
	}
	return nil
}

// Attempt records the end of one attempt to schedule a pod.
func Attempt(result, profile string, took time.Duration) {
	ScheduleAttempts.WithLabelValues(result, profile).Inc()
	AttemptDuration.WithLabelValues(result, profile).Observe(took.Seconds())
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return collected(prometheus.NewCounterVec(prometheus.CounterOpts{Subsystem: subsystem, Name: name, Help: help}, labels))
}

func gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return collected(prometheus.NewGaugeVec(prometheus.GaugeOpts{Subsystem: subsystem, Name: name, Help: help}, labels))
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return collected(prometheus.NewHistogramVec(
		prometheus.HistogramOpts{Subsystem: subsystem, Name: name, Help: help, Buckets: buckets}, labels))
}

func collected[C prometheus.Collector](collector C) C {
	all = append(all, collector)
	return collector
}
