package rights_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// autoscaling has a Deployment scaled that has more replicas than its autoscaler allows, and metrics asked for that nobody serves.
func (s *session) autoscaling(t *testing.T) {
	d := &appsv1.Deployment{ObjectMeta: named("busy"), Spec: appsv1.DeploymentSpec{
		Replicas: new(int32(2)), Selector: selecting("busy"), Template: templateOf("busy"),
	}}
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: named("busy"), Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "busy"}, MaxReplicas: 1,
		Metrics: []autoscalingv2.MetricSpec{
			{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
				Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: new(int32(80))},
			}},
			{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
				Metric: autoscalingv2.MetricIdentifier{Name: "queue"},
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: new(resource.MustParse("10"))},
			}},
		},
	}}
	s.create(t, d, hpa)
	await.Until(t, "the Deployment to be scaled, and metrics to be missed", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(d), d)
		if err == nil {
			err = s.Get(t.Context(), client.ObjectKeyFromObject(hpa), hpa)
		}
		missed := slices.ContainsFunc(hpa.Status.Conditions, func(c autoscalingv2.HorizontalPodAutoscalerCondition) bool {
			return c.Reason == "FailedGetResourceMetric"
		})
		return fmt.Sprint(*d.Spec.Replicas, hpa.Status.Conditions, err), err == nil && *d.Spec.Replicas == 1 && missed
	})
	s.remove(t, hpa)
	s.remove(t, d)
}
