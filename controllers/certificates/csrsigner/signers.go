package csrsigner

import (
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/orrery-dev/orrery/controllers/internal/signingrequest"
	certificatesv1 "k8s.io/api/certificates/v1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
)

// rule says what is wrong with a request for a signer; nil if nothing is.
type rule func(asked *x509.CertificateRequest, usages []certificatesv1.KeyUsage) error

// signers are the rules of our signers, by their names.
var signers = map[string]rule{
	certificatesv1.KubeAPIServerClientSignerName:        checkClient,
	certificatesv1.KubeAPIServerClientKubeletSignerName: signingrequest.CheckKubeletClient,
	certificatesv1.KubeletServingSignerName:             signingrequest.CheckKubeletServing,
	certificatesv1beta1.LegacyUnknownSignerName:         checkNothing,
}

// checkClient lets pass the usages of a client. Whom the certificate names is for who approves it, and for the admission of the API
// server, which lets nobody ask for system:masters.
func checkClient(_ *x509.CertificateRequest, usages []certificatesv1.KeyUsage) error {
	const required = certificatesv1.UsageClientAuth
	allowed := []certificatesv1.KeyUsage{required, certificatesv1.UsageDigitalSignature, certificatesv1.UsageKeyEncipherment}
	for _, usage := range usages {
		if !slices.Contains(allowed, usage) {
			return fmt.Errorf("invalid usage for client certificate: %s", usage)
		}
	}
	if !slices.Contains(usages, required) {
		return fmt.Errorf("missing required usage for client certificate: %s", required)
	}
	return nil
}

// checkNothing lets everything pass, as requests of before there were signers want it.
func checkNothing(*x509.CertificateRequest, []certificatesv1.KeyUsage) error { return nil }
