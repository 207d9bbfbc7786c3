package live

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/orrery-dev/orrery/apis"
	oautoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
)

// by has an autoscaler go by a metric.
func by(metric autoscalingv2.MetricSpec) func(*oautoscalingv2.HorizontalPodAutoscaler) {
	return func(hpa *oautoscalingv2.HorizontalPodAutoscaler) {
		hpa.Spec.Metrics = []autoscalingv2.MetricSpec{metric}
	}
}

// The specs share the server's metrics APIs, and so run one after the other.
var _ = Describe("An autoscaler", Ordered, func() {
	for _, naming := range apis.Namings() {
		Context("under the naming "+naming.String(), func() {
			It("says that nothing is measured where there is no metrics API", func(ctx SpecContext) {
				c := newCluster(ctx, naming, 2)
				c.autoscaler(ctx)
				eventually(ctx, c.says(ctx)).Should(Equal([]string{"AbleToScale True SucceededGetScale", "ScalingActive False FailedGetResourceMetric"}))
				eventually(ctx, c.events(ctx)).Should(ContainElement(HavePrefix("FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1)")))
				Expect(c.replicas(ctx)()).To(BeEquivalentTo(2))
			})

			It("scales by the CPU that pods use", func(ctx SpecContext) {
				serve(ctx, &metrics{pods: 2, each: 160}) // 160% of what they ask for, and the target is 80%
				c := newCluster(ctx, naming, 2)
				c.autoscaler(ctx)
				eventually(ctx, c.replicas(ctx)).Should(BeEquivalentTo(4))
				eventually(ctx, c.says(ctx)).Should(ContainElement("ScalingActive True ValidMetricFound"))
				eventually(ctx, c.events(ctx)).Should(ContainElement("SuccessfulRescale: New size: 4; reason: cpu resource utilization (percentage of request) above target"))
			})

			It("scales by a metric of an object, in the version that is served", func(ctx SpecContext) {
				serve(ctx, &metrics{rate: 30_000})
				c := newCluster(ctx, naming, 2)
				c.autoscaler(ctx, by(autoscalingv2.MetricSpec{Type: autoscalingv2.ObjectMetricSourceType, Object: &autoscalingv2.ObjectMetricSource{
					DescribedObject: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"},
					Metric:          autoscalingv2.MetricIdentifier{Name: "rate"},
					Target:          autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: new(resource.MustParse("10"))},
				}}))
				eventually(ctx, c.replicas(ctx)).Should(BeEquivalentTo(3))
			})

			It("scales to zero and back by an external metric", func(ctx SpecContext) {
				served := &metrics{}
				serve(ctx, served)
				c := newCluster(ctx, naming, 1)
				c.autoscaler(ctx, by(autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
					Metric: autoscalingv2.MetricIdentifier{Name: "queue"},
					Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: new(resource.MustParse("10"))},
				}}), func(hpa *oautoscalingv2.HorizontalPodAutoscaler) {
					hpa.Spec.MinReplicas = new(int32(0))
					none := &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(0))}
					hpa.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleDown: none}
				})
				eventually(ctx, c.replicas(ctx)).Should(BeEquivalentTo(0))
				eventually(ctx, c.says(ctx)).Should(ContainElement("ScaledToZero True ScaledToZero"))
				served.mu.Lock()
				served.queue = 25_000
				served.mu.Unlock()
				eventually(ctx, c.replicas(ctx)).Should(BeEquivalentTo(3))
			})
		})
	}
})
