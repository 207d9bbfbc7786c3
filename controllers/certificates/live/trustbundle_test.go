package live

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var _ = Describe("The API server's trust bundle", func() {
	bundles := func(ctx SpecContext) func() []certificatesv1.ClusterTrustBundle {
		return func() []certificatesv1.ClusterTrustBundle {
			GinkgoHelper()
			found, err := admin.CertificatesV1().ClusterTrustBundles().List(ctx, metav1.ListOptions{FieldSelector: "spec.signerName=kubernetes.io/kube-apiserver-serving"})
			Expect(err).NotTo(HaveOccurred())
			return found.Items
		}
	}

	It("is published, and put right when somebody spoils it", func(ctx SpecContext) {
		published := ConsistOf(HaveField("Spec.TrustBundle", string(env.Config.CAData)))
		Eventually(bundles(ctx)).WithContext(ctx).WithTimeout(wait).Should(published)
		name := bundles(ctx)()[0].Name
		Expect(name).To(MatchRegexp("^kubernetes.io:kube-apiserver-serving:[0-9a-f]{24}$"))

		other := []byte(`{"metadata":{"labels":{"spoilt":"yes"}},"spec":{"trustBundle":""}}`)
		_, err := admin.CertificatesV1().ClusterTrustBundles().Patch(ctx, name, types.MergePatchType, other, metav1.PatchOptions{})
		Expect(err).To(HaveOccurred(), "an empty bundle is none")
		Expect(admin.CertificatesV1().ClusterTrustBundles().Delete(ctx, name, metav1.DeleteOptions{})).To(Succeed())
		Eventually(bundles(ctx)).WithContext(ctx).WithTimeout(wait).Should(published)
	})
})
