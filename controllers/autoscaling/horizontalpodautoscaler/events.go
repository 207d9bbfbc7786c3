package horizontalpodautoscaler

import (
	"errors"
	"fmt"

	"github.com/orrery-dev/orrery/framework/plan"
)

// eventSource is in whose name events are recorded, as in Kubernetes: it is not the controller's there, either.
const eventSource = "horizontal-pod-autoscaler"

// The reasons of events, as Kubernetes has them. Those of what could not be read are the reasons of conditions, too.
const (
	reasonRescaled            = "SuccessfulRescale"
	reasonNotRescaled         = "FailedRescale"
	reasonNoScale             = "FailedGetScale"
	reasonNoReplicas          = "FailedComputeMetricsReplicas"
	reasonNoResource          = "FailedGetResourceMetric"
	reasonNoContainerResource = "FailedGetContainerResourceMetric"
	reasonNoPods              = "FailedGetPodsMetric"
	reasonNoObject            = "FailedGetObjectMetric"
	reasonNoExternal          = "FailedGetExternalMetric"
	reasonUnknownType         = "InvalidMetricSourceType"
	reasonNoSelector          = "SelectorRequired"
	reasonBadSelector         = "InvalidSelector"
	reasonSeveral             = "AmbiguousSelector"
)

// errNoSelector is that a target does not say which pods it has.
var errNoSelector = errors.New("selector is required")

// warn tells of what goes on until somebody mends it.
func (v *verdict) warn(reason string, what error) {
	v.warnings = append(v.warnings, plan.Event{Reason: reason, Message: what.Error()})
}

// ambiguous says that the pods of a target belong to several autoscalers; it names two of them.
func ambiguous(w world, namespace, name string) error {
	first, second := name, w.rivals[0]
	if second < first {
		first, second = second, first
	}
	return fmt.Errorf("pods by selector %s are controlled by more than one HPA (e.g. [{%s %s} {%s %s}])", w.selector, first, namespace, second, namespace)
}
