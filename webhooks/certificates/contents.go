package certificates

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// The keys of the Secret.
const (
	certificateKey     = corev1.TLSCertKey
	privateKey         = corev1.TLSPrivateKeyKey
	nextCertificateKey = "next.crt"
	nextPrivateKey     = "next.key"
	authoritiesKey     = corev1.ServiceAccountRootCAKey
)

// trustedSinceAnnotation says since when all configurations have been seen to trust what is going to be served.
const trustedSinceAnnotation = "orrery.dev/trusted-since"

// contents are what the Secret holds.
type contents struct {
	// serving and next are nil where they are not there, or cannot be read.
	serving, next *x509.Certificate
	// authorities are those that the API server is to trust, in PEM.
	authorities []byte
	// trustedSince is zero while next is not known to be trusted by all configurations.
	trustedSince time.Time
}

func contentsOf(secret *corev1.Secret) contents {
	held := contents{
		serving:     leafOf(secret.Data[certificateKey], secret.Data[privateKey]),
		next:        leafOf(secret.Data[nextCertificateKey], secret.Data[nextPrivateKey]),
		authorities: secret.Data[authoritiesKey],
	}
	if since, err := time.Parse(time.RFC3339, secret.Annotations[trustedSinceAnnotation]); err == nil {
		held.trustedSince = since
	}
	return held
}

// leafOf is the certificate of a pair; nil if the two do not make one.
func leafOf(certificate, key []byte) *x509.Certificate {
	read, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil
	}
	return read.Leaf
}

// good says whether a certificate can be served by a name, to who trusts the authorities.
func (c contents) good(leaf *x509.Certificate, name string, now time.Time) bool {
	if leaf == nil {
		return false
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(c.authorities)
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: trusted, CurrentTime: now})
	return err == nil
}

// unexpired are the authorities that have not ended, in their order.
func unexpired(authorities []byte, now time.Time) []byte {
	var kept []byte
	for block, rest := pem.Decode(authorities); block != nil; block, rest = pem.Decode(rest) {
		authority, err := x509.ParseCertificate(block.Bytes)
		if err == nil && now.Before(authority.NotAfter) {
			kept = append(kept, pem.EncodeToMemory(block)...)
		}
	}
	return kept
}

// replace fills the Secret with a pair to be served at once.
func replace(secret *corev1.Secret, authority []byte, serving pair, now time.Time) {
	trusted := bytes.Join([][]byte{authority, unexpired(secret.Data[authoritiesKey], now)}, nil)
	secret.Data = map[string][]byte{certificateKey: serving.certificate, privateKey: serving.key, authoritiesKey: trusted}
	delete(secret.Annotations, trustedSinceAnnotation)
}

// prepare adds a pair that is going to be served.
func prepare(secret *corev1.Secret, authority []byte, next pair, now time.Time) {
	secret.Data = maps.Clone(secret.Data)
	secret.Data[nextCertificateKey], secret.Data[nextPrivateKey] = next.certificate, next.key
	secret.Data[authoritiesKey] = bytes.Join([][]byte{authority, unexpired(secret.Data[authoritiesKey], now)}, nil)
	delete(secret.Annotations, trustedSinceAnnotation)
}

// promote has the pair served that was going to be.
func promote(secret *corev1.Secret, now time.Time) {
	secret.Data = map[string][]byte{
		certificateKey: secret.Data[nextCertificateKey], privateKey: secret.Data[nextPrivateKey],
		authoritiesKey: unexpired(secret.Data[authoritiesKey], now),
	}
	delete(secret.Annotations, trustedSinceAnnotation)
}
