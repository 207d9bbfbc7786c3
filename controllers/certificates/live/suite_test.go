// Package live lets the loops that sign, approve and publish run against an API server, each as itself: what they write is what the
// server's admission lets through, and what they sign the server knows.
package live

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/go-logr/logr"
	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/internal/wiring"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/keyutil"
)

func TestCertificates(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Certificates and bootstrap tokens")
}

var (
	env   = &envtest.Environment{}
	admin *kubernetes.Clientset
	// up tells once that the loops run, or why they do not.
	up = make(chan error, 1)
)

// runControllers runs all loops, also those about bootstrap tokens, which have to be named.
func runControllers(ctx context.Context, config *rest.Config) error {
	loops := wiring.Loops{Cluster: true}
	if err := loops.Selection.Set("*,bootstrapsigner,tokencleaner"); err != nil {
		return err
	}
	cluster := wiring.Cluster{Config: config, Naming: apis.Kubernetes, Log: logr.Discard()}.Beside(env.Server())
	controllers, err := wiring.NewControllers(cluster, wiring.ControllersOptions{Loops: loops})
	if err != nil {
		up <- err
		return err
	}
	return wiring.Run(ctx, controllers, func() { up <- nil })
}

var _ = BeforeSuite(func() {
	env.Components = []envtest.Component{{Name: "controllers", Identity: identity.ControllerCache, Run: runControllers}}
	config, err := env.Start()
	Expect(err).NotTo(HaveOccurred())
	admin = kubernetes.NewForConfigOrDie(config)
	Eventually(up).WithTimeout(wait).Should(Receive(BeNil()), "the loops are to run")
})

var _ = AfterSuite(func() { Expect(env.Stop()).To(Succeed()) })

// as is a client of somebody else.
func as(user string, groups ...string) *kubernetes.Clientset {
	config := rest.CopyConfig(env.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append(groups, "system:authenticated")}
	return kubernetes.NewForConfigOrDie(config)
}

// requested is a request for a certificate, and the key that it is for.
type requested struct {
	name string
	key  *ecdsa.PrivateKey
}

// request makes a request for a certificate, as somebody.
func request(ctx context.Context, by *kubernetes.Clientset, template *x509.CertificateRequest, spec certificatesv1.CertificateSigningRequestSpec) requested {
	GinkgoHelper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	Expect(err).NotTo(HaveOccurred())
	spec.Request = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	made, err := by.CertificatesV1().CertificateSigningRequests().Create(ctx, &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}, Spec: spec,
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	return requested{made.Name, key}
}

// approve approves the request, as a person does.
func (r requested) approve(ctx context.Context) {
	GinkgoHelper()
	csr := r.now(ctx)
	csr.Status.Conditions = append(csr.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "KubectlApprove", Message: "a person said so",
	})
	_, err := admin.CertificatesV1().CertificateSigningRequests().UpdateApproval(ctx, r.name, csr, metav1.UpdateOptions{})
	Expect(err).NotTo(HaveOccurred())
}

func (r requested) now(ctx context.Context) *certificatesv1.CertificateSigningRequest {
	GinkgoHelper()
	csr, err := admin.CertificatesV1().CertificateSigningRequests().Get(ctx, r.name, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	return csr
}

// signed waits for the certificate.
func (r requested) signed(ctx context.Context) *x509.Certificate {
	GinkgoHelper()
	var block *pem.Block
	Eventually(func() any {
		csr := r.now(ctx)
		block, _ = pem.Decode(csr.Status.Certificate)
		if block == nil {
			return csr.Status
		}
		return nil
	}).WithContext(ctx).WithTimeout(wait).Should(BeNil(), "the request is to be signed")
	certificate, err := x509.ParseCertificate(block.Bytes)
	Expect(err).NotTo(HaveOccurred())
	return certificate
}

// holder is a client by a certificate that was signed for the request.
func (r requested) holder(certificate *x509.Certificate) *kubernetes.Clientset {
	GinkgoHelper()
	key, err := keyutil.MarshalPrivateKeyToPEM(r.key)
	Expect(err).NotTo(HaveOccurred())
	config := rest.AnonymousClientConfig(env.Config)
	config.CertData = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	config.KeyData = key
	return kubernetes.NewForConfigOrDie(config)
}
