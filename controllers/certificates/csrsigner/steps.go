package csrsigner

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	certificatesv1 "k8s.io/api/certificates/v1"
)

// sign has a certificate signed, and writes it into its request.
type sign struct {
	Options
	request  *certificatesv1.CertificateSigningRequest
	asked    *x509.CertificateRequest
	template *x509.Certificate
}

var _ plan.Step = (*sign)(nil)

func (*sign) Verb() string { return "sign" }

func (s *sign) String() string {
	return fmt.Sprintf("sign CertificateSigningRequest %s for %s until %s at most",
		s.request.Name, s.template.Subject, s.template.NotAfter.UTC().Format(time.RFC3339))
}

func (s *sign) Why() string {
	return "it was approved, and is what " + s.request.Spec.SignerName + " signs"
}

// Do writes the certificate into the status of the request as it was observed.
func (s *sign) Do(ctx context.Context, act plan.Actor) error {
	if err := s.asked.CheckSignature(); err != nil { // the API server lets none of these in
		return plan.Stop(fmt.Errorf("checking who asks by CertificateSigningRequest %s: %w", s.request.Name, err))
	}
	der, err := s.Sign(s.template, s.asked.PublicKey)
	if err != nil {
		return fmt.Errorf("signing CertificateSigningRequest %s: %w", s.request.Name, err)
	}
	signed := s.request.DeepCopy()
	signed.Status.Certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return plan.New().Status(s.request, signed).Do(ctx, act)
}
