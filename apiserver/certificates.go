package apiserver

import (
	"crypto"
	"crypto/x509"

	"github.com/orrery-dev/orrery/apiserver/pki"
)

// Certificates lists those in a server's data directory, whether or not the server runs.
func Certificates(dataDir string) ([]pki.Held, error) { return pki.List(pkiDir(dataDir)) }

// SignCertificate signs a certificate for a public key with the authority of this control plane, and answers it in DER: whoever has
// it is whom it names, to the API server as well. The template says all but the serial number; no certificate outlasts the
// authority, and none is an authority's itself.
func (s *Server) SignCertificate(template *x509.Certificate, public crypto.PublicKey) ([]byte, error) {
	return s.store.Authority().Issue(template, public)
}
