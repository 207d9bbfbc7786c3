package live

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/resourceclaims"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var _ = Describe("A pod's claim", func() {
	for _, naming := range apis.Namings() {
		Describe("under the naming of "+naming.String(), func() {
			var c *cluster
			BeforeEach(func(ctx SpecContext) { c = newCluster(ctx, naming) })

			// made is the claim that the pod's status tells of.
			made := func(ctx SpecContext, pod *ocorev1.Pod) *resourcev1.ResourceClaim {
				GinkgoHelper()
				eventually(ctx, func() []string { return resourceclaims.Names(get(ctx, c, pod)) }).Should(HaveLen(1))
				claim := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: resourceclaims.Names(pod)[0]}}
				return get(ctx, c, claim)
			}

			It("is made from its template, and made again when somebody deletes it", func(ctx SpecContext) {
				create(ctx, c, gen.ResourceClaimTemplate("gpus"))
				pod := c.pod(ctx, "web", gen.UsesOneOf("gpus", "gpu"))
				claim := made(ctx, pod)
				Expect(claim.Name).To(HavePrefix("web-gpu-"))
				Expect(claim.Annotations).To(HaveKeyWithValue("resource.kubernetes.io/pod-claim-name", "gpu"))
				Expect(claim.Spec.Devices.Requests).To(HaveLen(1))
				owner := metav1.GetControllerOf(claim)
				Expect(owner).To(HaveField("UID", pod.UID))
				Expect(owner.BlockOwnerDeletion).To(BeNil())

				Expect(c.Delete(ctx, claim)).To(Succeed())
				eventually(ctx, func() []string { return resourceclaims.Names(get(ctx, c, pod)) }).ShouldNot(ConsistOf(claim.Name))
				Expect(made(ctx, pod).UID).NotTo(Equal(claim.UID))
			})

			It("is waited for until its template is there, and the pod is told", func(ctx SpecContext) {
				pod := c.pod(ctx, "web", gen.UsesOneOf("gpus", "gpu"))
				eventually(ctx, c.events(ctx, "web")).Should(ContainElement(
					`FailedResourceClaimCreation: PodResourceClaim gpu: resource claim template "gpus": resourceclaimtemplate.resource.k8s.io "gpus" not found`))
				create(ctx, c, gen.ResourceClaimTemplate("gpus"))
				made(ctx, pod)
			})

			It("is refused for administrators where the namespace is not for them, and the pod is told", func(ctx SpecContext) {
				label := func(value string) {
					GinkgoHelper()
					patch := []byte(`{"metadata":{"labels":{"resource.kubernetes.io/admin-access":` + value + `}}}`)
					_, err := admin.CoreV1().Namespaces().Patch(ctx, c.namespace, types.MergePatchType, patch, metav1.PatchOptions{})
					Expect(err).NotTo(HaveOccurred())
				}
				label(`"true"`)
				template := gen.ResourceClaimTemplate("gpus")
				yes := true
				template.Spec.Spec.Devices.Requests[0].Exactly.AdminAccess = &yes
				create(ctx, c, template)
				label("null")
				c.pod(ctx, "web", gen.UsesOneOf("gpus", "gpu"))
				eventually(ctx, c.events(ctx, "web")).Should(ContainElement(And(
					HavePrefix("FailedResourceClaimCreation: PodResourceClaim gpu: create ResourceClaim : "), ContainSubstring("admin access"))))
			})

			It("is reserved for a pod that somebody puts on a node, and keeps its devices until the last one has ended", func(ctx SpecContext) {
				claim := create(ctx, c, gen.ResourceClaim("shared"))
				first := c.pod(ctx, "first", gen.Uses("shared"))
				c.allocate(ctx, claim, first)
				second := c.pod(ctx, "second", gen.Uses("shared"), gen.On("a"))
				eventually(ctx, c.users(ctx, claim)).Should(ConsistOf("first", "second"))

				status(ctx, c, second, func(pod *ocorev1.Pod) { pod.Status.Phase = corev1.PodSucceeded })
				eventually(ctx, c.users(ctx, claim)).Should(ConsistOf("first"))
				Expect(claim.Status.Allocation).NotTo(BeNil())

				Expect(c.Delete(ctx, first)).To(Succeed())
				eventually(ctx, c.users(ctx, claim)).Should(BeEmpty())
				Expect(claim.Status.Allocation).To(BeNil())
				eventually(ctx, func() []string { return get(ctx, c, claim).Finalizers }).Should(BeEmpty())
			})

			It("goes when its pod has ended, also while the pod is still there", func(ctx SpecContext) {
				create(ctx, c, gen.ResourceClaimTemplate("gpus"))
				pod := c.pod(ctx, "web", gen.UsesOneOf("gpus", "gpu"))
				claim := made(ctx, pod)
				c.allocate(ctx, claim, pod)
				status(ctx, c, pod, func(pod *ocorev1.Pod) { pod.Status.Phase = corev1.PodFailed })
				c.gone(ctx, claim)
			})
		})
	}
})
