package signingrequest

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"

	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
)

// Parse reads what a certificate is asked for by, in PEM. That its signature is right is not looked at.
func Parse(encoded []byte) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode(encoded)
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, errors.New("PEM block type must be CERTIFICATE REQUEST")
	}
	return x509.ParseCertificateRequest(block.Bytes)
}

// Decided is what has been said of a request. Both may have been, and then the denial counts.
func Decided(request *certificatesv1.CertificateSigningRequest) (approved, denied bool) {
	_, approved = conditionsof.CertificateSigningRequest.Find(request.Status.Conditions, certificatesv1.CertificateApproved)
	_, denied = conditionsof.CertificateSigningRequest.Find(request.Status.Conditions, certificatesv1.CertificateDenied)
	return approved, denied
}

// Failed reports that a signer has said that it does not sign a request.
func Failed(request *certificatesv1.CertificateSigningRequest) bool {
	return slices.ContainsFunc(request.Status.Conditions, func(c certificatesv1.CertificateSigningRequestCondition) bool {
		return c.Type == certificatesv1.CertificateFailed && (c.Status == "" || c.Status == corev1.ConditionTrue)
	})
}
