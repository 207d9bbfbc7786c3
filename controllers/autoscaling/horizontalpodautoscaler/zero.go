package horizontalpodautoscaler

import (
	oautoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// count is by what the number of replicas is chosen.
type count int

const (
	// byMetrics is by what the metrics say.
	byMetrics count = iota
	// byNobody is not at all: somebody has scaled the target to zero, and so has turned the autoscaler off.
	byNobody
	// byMost and byLeast are by maxReplicas and minReplicas, out of which the number is.
	byMost
	byLeast
)

// countOf is by what the number of replicas of a target is chosen that has so many.
func countOf(hpa *oautoscalingv2.HorizontalPodAutoscaler, replicas int32) count {
	least := leastOf(&hpa.Spec)
	switch {
	case replicas == 0 && scaledToZero(hpa) && (least != 0 || hasValues(hpa)):
		return byMetrics // it was the autoscaler who did it, and something can tell when pods are needed again
	case replicas == 0:
		return byNobody
	case replicas > hpa.Spec.MaxReplicas:
		return byMost
	case replicas < least:
		return byLeast
	default:
		return byMetrics
	}
}

func leastOf(spec *autoscalingv2.HorizontalPodAutoscalerSpec) int32 {
	if spec.MinReplicas == nil {
		return 1
	}
	return *spec.MinReplicas
}

// scaledToZero reports that the autoscaler itself was the last to scale its target to zero.
func scaledToZero(hpa *oautoscalingv2.HorizontalPodAutoscaler) bool {
	return conditionsof.HorizontalPodAutoscaler.True(hpa.Status.Conditions, autoscalingv2.ScaledToZero)
}

// hasValues reports that an autoscaler goes by a metric that has a value also where there are no pods.
func hasValues(hpa *oautoscalingv2.HorizontalPodAutoscaler) bool {
	for _, metric := range hpa.Spec.Metrics {
		if metric.Type == autoscalingv2.ObjectMetricSourceType || metric.Type == autoscalingv2.ExternalMetricSourceType {
			return true
		}
	}
	return false
}

// metricsOf are the metrics that an autoscaler goes by: 80% of the CPU that is asked for, where it does not say.
func metricsOf(hpa *oautoscalingv2.HorizontalPodAutoscaler) []autoscalingv2.MetricSpec {
	if len(hpa.Spec.Metrics) > 0 {
		return hpa.Spec.Metrics
	}
	percent := int32(80)
	return []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
		Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent},
	}}}
}
