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
	var w world
	if certificate, err := x509.ParseCertificate(block.Bytes); err == nil { // a signer may write what it likes
		w.expires = certificate.NotAfter
	}
	return w, nil
}
