package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// WaitingOnPreemption is the result of an attempt to schedule a pod group for which others have to go first.
const WaitingOnPreemption = "waiting_on_preemption"

// The collectors for pod groups. Durations are in seconds.
var (
	GroupAttempts = counters("podgroup_schedule_attempts_total",
		"Number of attempts to schedule pod group, by the result. 'unschedulable' means a pod group could not be scheduled, while 'error' means an internal scheduler problem.",
		"result", "profile")
	GroupAttemptDuration = histograms("podgroup_scheduling_attempt_duration_seconds",
		"Pod group scheduling attempt latency in seconds",
		prometheus.ExponentialBuckets(0.001, 2, 15), "result", "profile")
	GroupAlgorithmDuration = histograms("podgroup_scheduling_algorithm_duration_seconds",
		"Pod group scheduling algorithm latency in seconds",
		prometheus.ExponentialBuckets(0.001, 2, 15))
	GeneratedPlacements = counters("generated_placements_total",
		"Number of candidate placements generated when scheduling pod groups.", "profile")
	PlacementEvaluations = counters("placement_evaluations_total",
		"Number of candidate placements evaluated when scheduling pod groups, by result. 'feasible' means the pod group fit into the placement, while 'infeasible' means it did not.",
		"result", "profile")
	PlacementEvaluationDuration = histograms("placement_evaluation_duration_seconds",
		"Latency in seconds of evaluating a single candidate placement when scheduling pod groups, by result. 'feasible' means the pod group fit into the placement, while 'infeasible' means it did not.",
		prometheus.ExponentialBuckets(0.001, 2, 15), "result", "profile")
)

// GroupAttempt records the end of one attempt to schedule a pod group.
func GroupAttempt(result, profile string, took time.Duration) {
	GroupAttempts.WithLabelValues(result, profile).Inc()
	GroupAttemptDuration.WithLabelValues(result, profile).Observe(took.Seconds())
}

// PlacementEvaluated records that a group was tried on one part of the cluster.
func PlacementEvaluated(feasible bool, profile string, took time.Duration) {
	result := "infeasible"
	if feasible {
		result = "feasible"
	}
	PlacementEvaluations.WithLabelValues(result, profile).Inc()
	PlacementEvaluationDuration.WithLabelValues(result, profile).Observe(took.Seconds())
}
