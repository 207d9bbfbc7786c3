package certificates

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const serverName = "webhooks.orrery-system.svc"

func TestACertificateIsGoodForItsNameWhileItLasts(t *testing.T) {
	authority, made, err := issue(began, []string{serverName, serverName + ".cluster.local"})
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := issue(began, []string{serverName})
	if err != nil {
		t.Fatal(err)
	}
	leaf := leafOf(made.certificate, made.key)
	for _, c := range []struct {
		name        string
		authorities []byte
		server      string
		at          time.Time
		want        bool
	}{
		{"when it is made", authority, serverName, began, true},
		{"to an API server whose clock is behind", authority, serverName, began.Add(-skew + time.Second), true},
		{"just before its end", authority, serverName, began.Add(Lifetime - time.Second), true},
		{"after its end", authority, serverName, began.Add(Lifetime + time.Second), false},
		{"by its other name", authority, serverName + ".cluster.local", began, true},
		{"by the name of another Service", authority, "other.orrery-system.svc", began, false},
		{"to who trusts several", bytes.Join([][]byte{other, authority}, nil), serverName, began, true},
		{"to who trusts another", other, serverName, began, false},
		{"to who trusts nobody", nil, serverName, began, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (contents{authorities: c.authorities}).good(leaf, c.server, c.at); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
}

func TestAnAuthoritySignsNothingButServersBelowIt(t *testing.T) {
	authority, made, err := issue(began, []string{serverName})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(authority)
	parent, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if !parent.IsCA || parent.MaxPathLen != 0 || parent.KeyUsage != x509.KeyUsageCertSign {
		t.Errorf("the authority may do more than sign: %t %d %v", parent.IsCA, parent.MaxPathLen, parent.KeyUsage)
	}
	if leaf := leafOf(made.certificate, made.key); leaf.IsCA || len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("the certificate is for more than a server: %t %v", leaf.IsCA, leaf.ExtKeyUsage)
	}
}

func TestWhatIsNoPairIsNone(t *testing.T) {
	_, made, err := issue(began, []string{serverName})
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := issue(began, []string{serverName})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]map[string][]byte{
		"nothing":               nil,
		"no key":                {certificateKey: made.certificate},
		"the key of another":    {certificateKey: made.certificate, privateKey: other.key},
		"what is no PEM at all": {certificateKey: []byte("x"), privateKey: []byte("y")},
	} {
		t.Run(name, func(t *testing.T) {
			if held := contentsOf(&corev1.Secret{Data: data}); held.serving != nil {
				t.Errorf("it is taken for a certificate: %v", held.serving.Subject)
			}
		})
	}
}

func TestAuthoritiesThatHaveEndedAreDropped(t *testing.T) {
	first, _, err := issue(began, []string{serverName})
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := issue(began.Add(Lifetime/2), []string{serverName})
	if err != nil {
		t.Fatal(err)
	}
	all := bytes.Join([][]byte{second, first}, nil)
	if got := unexpired(all, began.Add(Lifetime/2)); !bytes.Equal(got, all) {
		t.Error("one was dropped while both are good")
	}
	if got := unexpired(all, began.Add(Lifetime+time.Second)); !bytes.Equal(got, second) {
		t.Error("one that has ended is kept")
	}
}
