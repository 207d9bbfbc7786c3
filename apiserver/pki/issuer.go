package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"

	"k8s.io/utils/clock"
)

// serials is how many serial numbers there are: 120 random bits are never drawn twice, and fit into the 20 octets that RFC 5280
// allows.
var serials = new(big.Int).Lsh(big.NewInt(1), 120)

// issuer signs by the pair of an authority.
type issuer struct {
	clock clock.PassiveClock
	cert  *x509.Certificate
	key   crypto.Signer
}

// Issue signs a certificate for a public key, in DER. The template says all but the serial number and, where it would outlast the
// authority, the end. Another authority is never signed for, and nothing by one that has expired.
func (i issuer) Issue(template *x509.Certificate, public crypto.PublicKey) ([]byte, error) {
	of := template.Subject.CommonName
	if template.IsCA {
		return nil, fmt.Errorf("signing a certificate for %s: it would be an authority itself", of)
	}
	end := i.cert.NotAfter
	if !i.clock.Now().Before(end) {
		return nil, fmt.Errorf("signing a certificate for %s: the signer has expired: NotAfter=%v", of, end)
	}
	serial, err := rand.Int(rand.Reader, serials)
	if err != nil {
		return nil, fmt.Errorf("drawing a serial number for %s: %w", of, err)
	}
	leaf := *template
	leaf.SerialNumber = serial
	if leaf.NotAfter.After(end) {
		leaf.NotAfter = end
	}
	der, err := x509.CreateCertificate(rand.Reader, &leaf, i.cert, public, i.key)
	if err != nil {
		return nil, fmt.Errorf("signing a certificate for %s: %w", of, err)
	}
	return der, nil
}

// Pair is the certificate and the key of an authority that somebody else keeps, in two files. They are read for each signature, so
// that one that has been replaced counts from then on. Its methods may be called concurrently.
type Pair struct {
	certFile, keyFile string
	clock             clock.PassiveClock
}

// OpenPair finds out whether two files hold one certificate of an authority, and its key.
func OpenPair(certFile, keyFile string, clk clock.PassiveClock) (*Pair, error) {
	p := &Pair{certFile, keyFile, clk}
	_, err := p.read()
	return p, err
}

// Issue signs a certificate for a public key, as an Authority does.
func (p *Pair) Issue(template *x509.Certificate, public crypto.PublicKey) ([]byte, error) {
	now, err := p.read()
	if err != nil {
		return nil, err
	}
	return now.Issue(template, public)
}

func (p *Pair) read() (issuer, error) {
	pair, err := readPairFrom(p.certFile, p.keyFile)
	if err != nil {
		return issuer{}, err
	}
	if !pair.cert.IsCA {
		return issuer{}, fmt.Errorf("reading certificate %s: it is not an authority's", p.certFile)
	}
	return issuer{p.clock, pair.cert, pair.key}, nil
}
