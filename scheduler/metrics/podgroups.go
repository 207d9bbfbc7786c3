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
)

// GroupAttempt records the end of one attempt to schedule a pod group.
func GroupAttempt(result, profile string, took time.Duration) {
	GroupAttempts.WithLabelValues(result, profile).Inc()
	GroupAttemptDuration.WithLabelValues(result, profile).Observe(took.Seconds())
}
