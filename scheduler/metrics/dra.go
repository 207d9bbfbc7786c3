package metrics

import "github.com/prometheus/client_golang/prometheus"

// Results of waiting for devices to become ready.
const (
	DevicesReady  = "success"
	DevicesFailed = "failure"
	DevicesLate   = "timeout"
	DevicesError  = "error"
)

// The collectors of dynamic resource allocation. Durations are in seconds.
var (
	DeviceBindings = counters("dra_bindingconditions_allocations_total",
		"Number of allocations using devices with BindingConditions, counted per driver per scheduling attempt",
		"profile", "driver", "status")
	DeviceBindingWait = histograms("dra_bindingconditions_wait_duration_seconds",
		"Time in seconds spent waiting for BindingConditions to be satisfied during PreBind.",
		prometheus.ExponentialBuckets(0.1, 2, 14), "profile", "driver", "status")
	claimsCreated = collected(prometheus.NewCounterVec(prometheus.CounterOpts{
		Subsystem: "dynamic_resource_allocation",
		Name:      "resourceclaim_creates_total",
		Help:      "Number of ResourceClaims creation requests, categorized by creation status, admin access, and owning API group and kind (either Pod or scheduling.k8s.io/PodGroup)",
	}, []string{"status", "admin_access", "owner_api_group", "owner_api_kind"}))
)

// ClaimCreated counts a ResourceClaim that was made for a pod's extended resources, or with an error was not.
func ClaimCreated(err error) {
	status := "success"
	if err != nil {
		status = "failure"
	}
	claimsCreated.WithLabelValues(status, "false", "", "Pod").Inc()
}
