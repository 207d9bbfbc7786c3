package live

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	authenticationv1 "k8s.io/api/authentication/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// wait is how long the loops have at most, on a machine that does much else.
const wait = time.Minute

var jane = &x509.CertificateRequest{Subject: pkix.Name{CommonName: "jane", Organization: []string{"dev"}}}

func ofNode(name string) *x509.CertificateRequest {
	return &x509.CertificateRequest{Subject: pkix.Name{CommonName: "system:node:" + name, Organization: []string{"system:nodes"}}}
}

var _ = Describe("Signing", func() {
	client := certificatesv1.CertificateSigningRequestSpec{
		SignerName: certificatesv1.KubeAPIServerClientSignerName, Usages: []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth},
	}

	It("makes who was approved known to the API server", func(ctx SpecContext) {
		r := request(ctx, admin, jane, client)
		r.approve(ctx)
		certificate := r.signed(ctx)
		Expect(certificate.NotAfter).To(BeTemporally("~", time.Now().Add(365*24*time.Hour-5*time.Minute), time.Minute))
		review, err := r.holder(certificate).AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(review.Status.UserInfo.Username).To(Equal("jane"))
		Expect(review.Status.UserInfo.Groups).To(ContainElement("dev"))
	})

	It("signs for as long as somebody asks", func(ctx SpecContext) {
		spec := client
		hour := int32(3600)
		spec.ExpirationSeconds = &hour
		r := request(ctx, admin, jane, spec)
		r.approve(ctx)
		Expect(r.signed(ctx).NotAfter).To(BeTemporally("~", time.Now().Add(time.Hour), time.Minute))
	})

	It("says why it does not sign what its signer does not", func(ctx SpecContext) {
		spec := client
		spec.Usages = []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth, certificatesv1.UsageServerAuth}
		r := request(ctx, admin, jane, spec)
		r.approve(ctx)
		Eventually(func() []certificatesv1.CertificateSigningRequestCondition { return r.now(ctx).Status.Conditions }).WithContext(ctx).WithTimeout(wait).
			Should(ContainElement(SatisfyAll(
				HaveField("Type", certificatesv1.CertificateFailed),
				HaveField("Reason", "SignerValidationFailure"),
				HaveField("Message", "invalid usage for client certificate: server auth"),
				HaveField("LastUpdateTime.IsZero()", BeFalse()),
			)))
		Expect(r.now(ctx).Status.Certificate).To(BeEmpty())
	})

	It("signs what a kubelet serves by", func(ctx SpecContext) {
		serving := ofNode("one")
		serving.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)}
		r := request(ctx, as("system:node:one", "system:nodes"), serving, certificatesv1.CertificateSigningRequestSpec{
			SignerName: certificatesv1.KubeletServingSignerName,
			Usages:     []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth},
		})
		r.approve(ctx)
		Expect(r.signed(ctx).VerifyHostname("192.0.2.1")).To(Succeed())
	})
})

var _ = Describe("Approving", func() {
	kubelet := certificatesv1.CertificateSigningRequestSpec{
		SignerName: certificatesv1.KubeAPIServerClientKubeletSignerName,
		Usages:     []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageClientAuth},
	}
	const role = "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient"

	It("lets a node renew its certificate as soon as it may", func(ctx SpecContext) {
		r := request(ctx, as("system:node:two", "system:nodes"), ofNode("two"), kubelet)
		Consistently(func() []certificatesv1.CertificateSigningRequestCondition { return r.now(ctx).Status.Conditions }).WithContext(ctx).Should(BeEmpty())
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "nodes-renew"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "system:nodes"}},
		}
		_, err := admin.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		certificate := r.signed(ctx)
		Expect(certificate.Subject.CommonName).To(Equal("system:node:two"))
		Expect(r.now(ctx).Status.Conditions).To(ConsistOf(SatisfyAll(
			HaveField("Type", certificatesv1.CertificateApproved),
			HaveField("Reason", "AutoApproved"),
			HaveField("Message", "Auto approving self kubelet client certificate after SubjectAccessReview."),
		)))
	})
})
