package live

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var _ = Describe("A PodGroup", func() {
	for _, naming := range apis.Namings() {
		Describe("under the naming of "+naming.String(), func() {
			It("stays until its last pod has ended", func(ctx SpecContext) {
				c := newCluster(ctx, naming)
				group := create(ctx, c, gen.PodGroup("gang"))
				if naming == apis.Kubernetes {
					Expect(group.Finalizers).To(ConsistOf("scheduling.k8s.io/podgroup-protection"), "the API server puts it on")
				}
				eventually(ctx, func() []string { return get(ctx, c, group).Finalizers }).Should(ConsistOf("scheduling.k8s.io/podgroup-protection"))
				first := c.pod(ctx, "first", gen.InPodGroup("gang"), gen.On("a"))
				second := c.pod(ctx, "second", gen.InPodGroup("gang"))
				other := create(ctx, c, gen.PodGroup("empty"))
				eventually(ctx, func() []string { return get(ctx, c, other).Finalizers }).ShouldNot(BeEmpty())
				Expect(c.Delete(ctx, group)).To(Succeed())

				status(ctx, c, first, func(pod *ocorev1.Pod) { pod.Status.Phase = corev1.PodSucceeded })
				Expect(c.Delete(ctx, other)).To(Succeed())
				c.gone(ctx, other) // and so the loop has been at work
				Expect(get(ctx, c, group).DeletionTimestamp).NotTo(BeNil())

				Expect(c.Delete(ctx, second)).To(Succeed())
				c.gone(ctx, &oschedulingv1beta1.PodGroup{ObjectMeta: group.ObjectMeta})
			})
		})
	}
})

var _ = Describe("A range of Services", func() {
	It("is ready, and stays while an address of it is in use", func(ctx SpecContext) {
		c := newCluster(ctx, apis.Kubernetes)
		cidr := create(ctx, c, &networkingv1.ServiceCIDR{ObjectMeta: metav1.ObjectMeta{Name: "extra"}, Spec: networkingv1.ServiceCIDRSpec{CIDRs: []string{"10.99.0.0/28"}}})
		ready := func() string {
			GinkgoHelper()
			for _, condition := range get(ctx, c, cidr).Status.Conditions {
				return condition.Type + "=" + string(condition.Status) + " " + condition.Reason
			}
			return ""
		}
		eventually(ctx, ready).Should(Equal("Ready=True "))
		Expect(cidr.Finalizers).To(ConsistOf("networking.k8s.io/service-cidr-finalizer"))

		service := &ocorev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: "web"},
			Spec:       corev1.ServiceSpec{ClusterIP: "10.99.0.5", Ports: []corev1.ServicePort{{Port: 80}}},
		}
		eventually(ctx, func() error { return c.Create(ctx, service) }).Should(Succeed(), "the API server gives out addresses of it")
		Expect(c.Delete(ctx, cidr)).To(Succeed())
		eventually(ctx, ready).Should(Equal("Ready=False Terminating"))
		Expect(c.Delete(ctx, service)).To(Succeed())
		c.gone(ctx, cidr)
	})

	It("goes under its addresses where another one covers it", func(ctx SpecContext) {
		c := newCluster(ctx, apis.Kubernetes)
		for name, cidr := range map[string]string{"small": "10.98.0.0/28", "large": "10.98.0.0/24"} {
			create(ctx, c, &networkingv1.ServiceCIDR{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: networkingv1.ServiceCIDRSpec{CIDRs: []string{cidr}}})
		}
		small := &networkingv1.ServiceCIDR{ObjectMeta: metav1.ObjectMeta{Name: "small"}}
		eventually(ctx, func() []string { return get(ctx, c, small).Finalizers }).ShouldNot(BeEmpty())
		service := &ocorev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: "web"},
			Spec:       corev1.ServiceSpec{ClusterIP: "10.98.0.5", Ports: []corev1.ServicePort{{Port: 80}}},
		}
		eventually(ctx, func() error { return c.Create(ctx, service) }).Should(Succeed())
		Expect(c.Delete(ctx, small)).To(Succeed())
		c.gone(ctx, small)
		address, err := admin.NetworkingV1().IPAddresses().Get(ctx, "10.98.0.5", metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(address.UID).NotTo(Equal(types.UID("")))
	})
})
