package csrcleaner

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"time"

	"github.com/orrery-dev/orrery/framework/loop"
	certificatesv1 "k8s.io/api/certificates/v1"
)

// world is what a request's certificate says.
type world struct {
	// expires is when the certificate does; zero if there is none that can be read.
	expires time.Time
}

// Observe reads the certificate of a request.
func (Controller) Observe(_ context.Context, _ loop.View, request *certificatesv1.CertificateSigningRequest) (world, error) {
	block, _ := pem.Decode(request.Status.Certificate)
	if block == nil {
		return world{}, nil
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return world{}, nil // what a signer wrote is nothing that the loop could do anything about
	}
	return world{expires: certificate.NotAfter}, nil
}
