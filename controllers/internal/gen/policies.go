package gen

import (
	oautoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	opolicyv1 "github.com/orrery-dev/orrery/apis/policy/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// HorizontalPodAutoscaler builds an autoscaler of the Deployment of its name, from one replica up to so many, at 80% of the CPU
// that is asked for. Its UID is its name.
func HorizontalPodAutoscaler(name string, most int32, changes ...func(*oautoscalingv2.HorizontalPodAutoscaler)) *oautoscalingv2.HorizontalPodAutoscaler {
	one, percent := int32(1), int32(80)
	hpa := &oautoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: meta(name),
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name},
			MinReplicas:    &one,
			MaxReplicas:    most,
			Metrics: []autoscalingv2.MetricSpec{{
				Type: autoscalingv2.ResourceMetricSourceType,
				Resource: &autoscalingv2.ResourceMetricSource{
					Name:   corev1.ResourceCPU,
					Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent},
				},
			}},
		},
	}
	for _, change := range changes {
		change(hpa)
	}
	return hpa
}

// PodDisruptionBudget builds a budget of the pods with the label app of its name, of which one may be unavailable. Its UID is its
// name.
func PodDisruptionBudget(name string, changes ...func(*opolicyv1.PodDisruptionBudget)) *opolicyv1.PodDisruptionBudget {
	one := intstr.FromInt32(1)
	budget := &opolicyv1.PodDisruptionBudget{
		ObjectMeta: meta(name),
		Spec:       policyv1.PodDisruptionBudgetSpec{Selector: selects(name), MaxUnavailable: &one},
	}
	for _, change := range changes {
		change(budget)
	}
	return budget
}
