package csrsigner

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/orrery-dev/orrery/controllers/internal/signingrequest"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	certificatesv1 "k8s.io/api/certificates/v1"
)

// world is what a request asks for.
type world struct {
	// asked is what is to be signed; nil if the request waits for no certificate of ours.
	asked *x509.CertificateRequest
}

// Observe reads what a request asks for.
func (Controller) Observe(_ context.Context, _ loop.View, request *certificatesv1.CertificateSigningRequest) (world, error) {
	if !waitsForCertificate(request) {
		return world{}, nil
	}
	asked, err := signingrequest.Parse(request.Spec.Request)
	if err != nil { // the API server lets none of these in
		return world{}, plan.Stop(fmt.Errorf("parsing what CertificateSigningRequest %s asks for: %w", request.Name, err))
	}
	return world{asked}, nil
}

// waitsForCertificate reports that a request is approved and neither signed nor refused, and that its signer is one of ours.
func waitsForCertificate(request *certificatesv1.CertificateSigningRequest) bool {
	approved, denied := signingrequest.Decided(request)
	return approved && !denied && !signingrequest.Failed(request) && len(request.Status.Certificate) == 0 && signers[request.Spec.SignerName] != nil
}
