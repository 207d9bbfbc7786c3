package certificates

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

const (
	// Lifetime is how long a certificate is good for.
	Lifetime = 90 * 24 * time.Hour
	// RenewBefore is how long before the end of a certificate the next one is made.
	RenewBefore = 30 * 24 * time.Hour
	// Settle is how long an authority has to have stood in the configurations before its certificate is served. API servers watch
	// the configurations, and take them up within seconds.
	Settle = 10 * time.Minute
	// skew is by how much the clocks of API servers may be behind.
	skew = time.Hour
)

// pair is a certificate and its key, in PEM.
type pair struct{ certificate, key []byte }

// issue makes a certificate for the names of a server, and the authority that signed it, in PEM. Nobody gets the authority's key.
func issue(now time.Time, names []string) (authority []byte, serving pair, err error) {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, pair{}, fmt.Errorf("making the key of an authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, pair{}, fmt.Errorf("making the key of a certificate: %w", err)
	}
	parent, err := template(now, "webhook authority of "+names[0])
	if err != nil {
		return nil, pair{}, err
	}
	parent.IsCA, parent.BasicConstraintsValid, parent.KeyUsage = true, true, x509.KeyUsageCertSign
	parent.MaxPathLenZero = true
	signed, err := x509.CreateCertificate(rand.Reader, parent, parent, authorityKey.Public(), authorityKey)
	if err != nil {
		return nil, pair{}, fmt.Errorf("signing an authority: %w", err)
	}
	if parent, err = x509.ParseCertificate(signed); err != nil {
		return nil, pair{}, fmt.Errorf("reading an authority: %w", err)
	}
	leaf, err := template(now, names[0])
	if err != nil {
		return nil, pair{}, err
	}
	leaf.DNSNames, leaf.KeyUsage, leaf.ExtKeyUsage = names, x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	certificate, err := x509.CreateCertificate(rand.Reader, leaf, parent, key.Public(), authorityKey)
	if err != nil {
		return nil, pair{}, fmt.Errorf("signing the certificate of %s: %w", names[0], err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, pair{}, fmt.Errorf("encoding the key of %s: %w", names[0], err)
	}
	return inPEM("CERTIFICATE", signed), pair{inPEM("CERTIFICATE", certificate), inPEM("PRIVATE KEY", encoded)}, nil
}

// template is what certificates of a time have in common.
func template(now time.Time, name string) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("drawing a serial number: %w", err)
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-skew), NotAfter: now.Add(Lifetime),
	}, nil
}

func inPEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
