package signingrequest

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/url"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/kubernetes/pkg/apis/certificates"
	controller "k8s.io/kubernetes/pkg/controller/certificates"
	"pgregory.net/rapid"
)

// drawn is a request that a kubelet could make, spoilt now and then.
func drawn(t *rapid.T) (*x509.CertificateRequest, []certificatesv1.KeyUsage) {
	some := func(what string) bool { return rapid.IntRange(0, 3).Draw(t, what) == 0 }
	request := &x509.CertificateRequest{Subject: pkix.Name{
		CommonName:   rapid.SampledFrom([]string{"system:node:one", "system:node:one", "system:node:", "jane"}).Draw(t, "name"),
		Organization: rapid.SampledFrom([][]string{{"system:nodes"}, {"system:nodes"}, {"system:nodes", "more"}, nil}).Draw(t, "groups"),
	}}
	if some("DNS") {
		request.DNSNames = []string{"one"}
	}
	if some("IP") {
		request.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)}
	}
	if some("email") {
		request.EmailAddresses = []string{"one@example.com"}
	}
	if some("URI") {
		request.URIs = []*url.URL{{Host: "example.com"}}
	}
	known := []certificatesv1.KeyUsage{
		certificatesv1.UsageDigitalSignature, certificatesv1.UsageKeyEncipherment, certificatesv1.UsageClientAuth, certificatesv1.UsageServerAuth,
	}
	usages := rapid.SliceOfN(rapid.SampledFrom(known), 0, 5).Draw(t, "usages")
	if !some("other usages") {
		usages = append([]certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature}, rapid.SampledFrom([][]certificatesv1.KeyUsage{
			{certificatesv1.UsageClientAuth}, {certificatesv1.UsageServerAuth},
			{certificatesv1.UsageKeyEncipherment, certificatesv1.UsageClientAuth}, {certificatesv1.UsageServerAuth, certificatesv1.UsageKeyEncipherment},
		}).Draw(t, "pair")...)
	}
	return request, usages
}

func TestWhatIsSaidOfKubeletsRequestsIsWhatKubernetesSays(t *testing.T) {
	valid := 0
	rapid.Check(t, func(t *rapid.T) {
		request, usages := drawn(t)
		set := sets.NewString()
		for _, usage := range usages {
			set.Insert(string(usage))
		}
		for name, pair := range map[string][2]error{
			"client":  {CheckKubeletClient(request, usages), certificates.ValidateKubeletClientCSR(request, set)},
			"serving": {CheckKubeletServing(request, usages), certificates.ValidateKubeletServingCSR(request, set)},
		} {
			if got, want := fmt.Sprint(pair[0]), fmt.Sprint(pair[1]); got != want {
				t.Errorf("%s: %q is said, want %q", name, got, want)
			}
			if pair[1] == nil {
				valid++
			}
		}
	})
	if valid == 0 {
		t.Error("no request was right")
	}
}

func TestWhatIsDecidedIsWhatKubernetesReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		request := &certificatesv1.CertificateSigningRequest{}
		request.Status.Conditions = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) certificatesv1.CertificateSigningRequestCondition {
			return certificatesv1.CertificateSigningRequestCondition{
				Type: rapid.SampledFrom([]certificatesv1.RequestConditionType{
					certificatesv1.CertificateApproved, certificatesv1.CertificateDenied, certificatesv1.CertificateFailed,
				}).Draw(t, "type"),
				Status: rapid.SampledFrom([]corev1.ConditionStatus{"", corev1.ConditionTrue, corev1.ConditionFalse}).Draw(t, "status"),
			}
		}), 0, 3).Draw(t, "conditions")
		approved, denied := Decided(request)
		if wantApproved, wantDenied := controller.GetCertApprovalCondition(&request.Status); approved != wantApproved || denied != wantDenied {
			t.Errorf("approved %t, denied %t; want %t and %t", approved, denied, wantApproved, wantDenied)
		}
		if got, want := Failed(request), controller.HasTrueCondition(request, certificatesv1.CertificateFailed); got != want {
			t.Errorf("failed is %t, want %t", got, want)
		}
	})
}
