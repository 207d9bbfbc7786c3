package certificates

import (
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// parse reads a certificate in PEM.
func parse(t *testing.T, certificate []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(certificate)
	if block == nil {
		t.Fatal("there is no certificate")
	}
	read, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestWhatIsServedFollowsTheSecret(t *testing.T) {
	s := &Serving{}
	if _, err := s.GetCertificate(nil); err == nil {
		t.Error("there is a certificate before there is a Secret")
	}
	var serials []string
	for range 2 {
		_, made, err := issue(time.Now(), []string{serverName})
		if err != nil {
			t.Fatal(err)
		}
		s.take(&corev1.Secret{Data: map[string][]byte{certificateKey: made.certificate, privateKey: made.key}})
		current, err := s.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		serials = append(serials, current.Leaf.SerialNumber.String())
	}
	if serials[0] == serials[1] {
		t.Error("the second certificate is not served")
	}
	s.take(&corev1.Secret{})
	if current, err := s.GetCertificate(nil); err != nil || current.Leaf.SerialNumber.String() != serials[1] {
		t.Errorf("of an emptied Secret comes %v, want what was served before", err)
	}
}
