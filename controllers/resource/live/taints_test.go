package live

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var _ = Describe("A tainted device", func() {
	for _, naming := range apis.Namings() {
		Describe("under the naming of "+naming.String(), func() {
			var c *cluster
			var pod *ocorev1.Pod
			BeforeEach(func(ctx SpecContext) {
				c = newCluster(ctx, naming)
				claim := create(ctx, c, gen.ResourceClaim("gpu"))
				pod = c.pod(ctx, "web", gen.Uses("gpu"), gen.On("a"))
				c.allocate(ctx, claim, pod)
			})

			It("loses its pods to a rule, which tells how many have to go and have gone", func(ctx SpecContext) {
				rule := c.rule(ctx, resourcev1.DeviceTaintEffectNoExecute)
				c.evicted(ctx, pod)
				eventually(ctx, c.said(ctx, rule)).Should(Equal("Completed: 1 pod evicted since starting the controller."))
			})

			It("keeps its pods where a rule is only tried out, which tells how many would go", func(ctx SpecContext) {
				rule := c.rule(ctx, resourcev1.DeviceTaintEffectNone)
				eventually(ctx, c.said(ctx, rule)).Should(Equal("NoEffect: 0 published devices selected. 1 allocated device selected. 1 pod would be evicted in 1 namespace" +
					" if the effect was NoExecute. This information will not be updated again. Recreate the DeviceTaintRule to trigger an update."))
				Expect(get(ctx, c, pod).DeletionTimestamp).To(BeNil())
			})

			It("loses its pods when its driver says so", func(ctx SpecContext) {
				slice := gen.ResourceSlice(c.namespace, 1, "d0", resourcev1.DeviceTaint{Key: "broken", Effect: resourcev1.DeviceTaintEffectNoExecute})
				slice.Spec.Pool.Name = c.namespace
				create(ctx, c, slice)
				c.evicted(ctx, pod)
			})
		})
	}
})

// rule taints the devices of the namespace's pool.
func (c *cluster) rule(ctx context.Context, effect resourcev1.DeviceTaintEffect) *resourcev1.DeviceTaintRule {
	GinkgoHelper()
	return create(ctx, c, gen.DeviceTaintRule(c.namespace, resourcev1.DeviceTaint{Key: "broken", Effect: effect}, "", c.namespace, ""))
}

// said is what a rule tells.
func (c *cluster) said(ctx context.Context, rule *resourcev1.DeviceTaintRule) func() string {
	return func() string {
		GinkgoHelper()
		conditions := get(ctx, c, rule).Status.Conditions
		if len(conditions) == 0 {
			return ""
		}
		Expect(conditions).To(HaveLen(1))
		Expect(conditions[0]).To(HaveField("Type", "EvictionInProgress"))
		return conditions[0].Reason + ": " + conditions[0].Message
	}
}

// evicted waits until a pod is told to go, or is gone, and was told why.
func (c *cluster) evicted(ctx context.Context, pod *ocorev1.Pod) {
	GinkgoHelper()
	eventually(ctx, func() *metav1.Time {
		found := &ocorev1.PodList{}
		Expect(c.List(ctx, found)).To(Succeed())
		for i := range found.Items {
			if found.Items[i].UID == pod.UID {
				*pod = found.Items[i]
				return pod.DeletionTimestamp
			}
		}
		return &metav1.Time{}
	}).ShouldNot(BeNil())
	eventually(ctx, c.events(ctx, pod.Name)).Should(ContainElement("DeviceTaintManagerEviction: Marking for deletion"))
	if pod.DeletionTimestamp != nil { // a custom resource goes at once
		Expect(pod.Status.Conditions).To(ContainElement(And(
			HaveField("Type", corev1.DisruptionTarget), HaveField("Reason", "DeletionByDeviceTaintManager"), HaveField("Status", corev1.ConditionTrue))))
	}
}
