package metrics

import "github.com/prometheus/client_golang/prometheus"

// Results of a piece of preemption that runs beside the scheduling of other pods.
const (
	PreemptionSuccess = "success"
	PreemptionError   = "error"
)

// The collectors of preemption. The preemptor is pod or podgroup.
var (
	PreemptionAttempts = counters("preemption_attempts_total",
		"Total preemption attempts in the cluster till now")
	PreemptionVictims = histograms("preemption_victims",
		"Number of selected preemption victims for preemption initiated by a single pod",
		prometheus.ExponentialBuckets(1, 2, 7))
	PreemptionEvaluationDuration = histograms("preemption_evaluation_duration_seconds",
		"Duration in seconds for identifying the target preemption victims.",
		prometheus.ExponentialBuckets(0.001, 2, 16), "preemptor", "result")
	PreemptionExecutionDuration = histograms("preemption_execution_duration_seconds",
		"Duration in seconds for preempting the target preemption victims. With async preemption enabled, preemption execution does not block the scheduling of other pods.",
		prometheus.ExponentialBuckets(0.001, 2, 16), "preemptor", "result")
	PreemptionPDBViolations = counters("preemption_pdb_violations_total",
		"Total number of pod disruption budget violations caused by preemption.", "preemptor")
	PreemptionGoroutinesDuration = histograms("preemption_goroutines_duration_seconds",
		"Duration in seconds for running goroutines for the preemption.",
		prometheus.ExponentialBuckets(0.01, 2, 20), "result")
	PreemptionGoroutines = counters("preemption_goroutines_execution_total",
		"Number of preemption goroutines executed.", "result")
	WorkloadPreemptionAttempts = counters("workload_preemption_attempts_total",
		"Total preemption attempts initiated by workload (including pod groups) in the cluster till now.", "result")
	WorkloadPreemptionVictims = histograms("workload_preemption_victims",
		"Number of pod preemption victims caused by workload preemption.",
		prometheus.ExponentialBuckets(1, 2, 11))
	PreemptionWorkloadDisruptions = histograms("preemption_workload_disruptions",
		"Number of workload preemption units being preempted. A single preemption unit can be all pods in a pod group (in case of DisruptionMode=all), or a single pod (in case of DisruptionMode=single).",
		prometheus.ExponentialBuckets(1, 2, 11), "preemptor")
)
