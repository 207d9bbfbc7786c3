package pki

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"
)

var began = time.Date(2026, time.January, 1, 9, 0, 0, 0, time.UTC)

// asked is a template of a certificate that is good for some time from now on.
func asked(now time.Time, validity time.Duration) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: "jane"}, NotBefore: now, NotAfter: now.Add(validity), BasicConstraintsValid: true}
}

// issue has a certificate issued, and reads it.
func issue(t *testing.T, by interface {
	Issue(*x509.Certificate, crypto.PublicKey) ([]byte, error)
}, template *x509.Certificate) (*x509.Certificate, error) {
	t.Helper()
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	der, err := by.Issue(template, key.Public())
	if err != nil {
		return nil, err
	}
	issued, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return issued, nil
}

func TestNoCertificateOutlastsItsAuthority(t *testing.T) {
	clk := testingclock.NewFakePassiveClock(began)
	store, err := Open(t.TempDir(), clk)
	if err != nil {
		t.Fatal(err)
	}
	authority := store.Authority()
	issued, err := issue(t, authority, asked(began, 2*authorityValidity))
	if err != nil {
		t.Fatal(err)
	}
	if end := began.Add(authorityValidity); !issued.NotAfter.Equal(end) {
		t.Errorf("it is good until %s, want the end of its authority, %s", issued.NotAfter, end)
	}
	if err := issued.CheckSignatureFrom(authority.cert); err != nil {
		t.Errorf("the authority does not know it: %v", err)
	}
	clk.SetTime(began.Add(authorityValidity))
	if _, err := issue(t, authority, asked(clk.Now(), time.Hour)); err == nil || !strings.Contains(err.Error(), "the signer has expired") {
		t.Errorf("an authority that has expired signs: %v", err)
	}
}

func TestNoOtherAuthorityIsSigned(t *testing.T) {
	store, err := Open(t.TempDir(), testingclock.NewFakePassiveClock(began))
	if err != nil {
		t.Fatal(err)
	}
	another := asked(began, time.Hour)
	another.IsCA = true
	if _, err := issue(t, store.Authority(), another); err == nil || !strings.Contains(err.Error(), "authority itself") {
		t.Errorf("it is signed: %v", err)
	}
}

func TestAPairThatIsReplacedSignsFromThenOn(t *testing.T) {
	clk := testingclock.NewFakePassiveClock(began)
	first, second := t.TempDir(), t.TempDir()
	cert, key := filepath.Join(first, "ca.crt"), filepath.Join(first, "ca.key")
	if _, err := OpenPair(cert, key, clk); err == nil || !strings.Contains(err.Error(), cert) {
		t.Fatalf("got %v, want an error that names the file", err)
	}
	for _, dir := range []string{first, second} {
		if _, err := openAuthority(dir, "ca", clk); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := OpenPair(cert, key, clk)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(second, "ca.crt"), cert); err != nil {
		t.Fatal(err)
	}
	if _, err := issue(t, pair, asked(began, time.Hour)); err == nil || !strings.Contains(err.Error(), "does not belong") {
		t.Errorf("half of a pair was replaced, and it signs: %v", err)
	}
	if err := os.Rename(filepath.Join(second, "ca.key"), key); err != nil {
		t.Fatal(err)
	}
	now, err := openAuthority(first, "ca", clk)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := issue(t, pair, asked(began, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := issued.CheckSignatureFrom(now.cert); err != nil {
		t.Errorf("the old authority signed: %v", err)
	}
}

func TestAPairThatIsNoAuthorityIsRefused(t *testing.T) {
	dir := t.TempDir()
	store, err := Open(dir, testingclock.NewFakePassiveClock(began))
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := store.Authority().Keep("leaf", Leaf{CommonName: "jane"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPair(cert, key, testingclock.NewFakePassiveClock(began)); err == nil || !strings.Contains(err.Error(), "not an authority's") {
		t.Errorf("got %v, want that it is refused", err)
	}
}
