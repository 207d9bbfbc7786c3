package pki

import (
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	certutil "k8s.io/client-go/util/cert"
	testingclock "k8s.io/utils/clock/testing"
)

func TestMembersOfEtcdAreKnownByAnAuthorityOfTheirOwn(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	dir, clk := t.TempDir(), testingclock.NewFakePassiveClock(now)
	store, _ := open(t, dir, clk)
	files, err := store.KeepMember([]string{"one"}, []net.IP{net.IPv4(192, 0, 2, 1)})
	if err != nil {
		t.Fatal(err)
	}
	read := func(file string) *x509.Certificate {
		t.Helper()
		certificates, err := certutil.CertsFromFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return certificates[0]
	}
	first := read(files.Certificate)
	if err := first.CheckSignatureFrom(read(files.Authority)); err != nil {
		t.Errorf("the member's certificate is not signed by etcd's authority: %v", err)
	}
	if err := first.CheckSignatureFrom(read(filepath.Join(dir, "ca.crt"))); err == nil {
		t.Error("the authority of clients has signed a member of etcd")
	}
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth} {
		if !slices.Contains(first.ExtKeyUsage, usage) {
			t.Errorf("the member's certificate is not good for usage %v", usage)
		}
	}
	clk.SetTime(first.NotAfter.Add(-renewBefore + time.Minute))
	if err := store.RenewClients(); err != nil {
		t.Fatal(err)
	}
	if read(files.Certificate).Equal(first) {
		t.Error("the certificate is not renewed long before it ends")
	}
}

func TestAMemberThatIsGivenTheKeysIsOfTheSameControlPlane(t *testing.T) {
	clk := testingclock.NewFakePassiveClock(time.Now())
	first, second := t.TempDir(), t.TempDir()
	store, _ := open(t, first, clk)
	if _, err := store.KeepMember(nil, []net.IP{net.IPv4(192, 0, 2, 1)}); err != nil {
		t.Fatal(err)
	}
	for _, name := range MemberKeys() {
		content, err := os.ReadFile(filepath.Join(first, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(second, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	joined, _ := open(t, second, clk)
	files, err := joined.KeepMember(nil, []net.IP{net.IPv4(192, 0, 2, 2)})
	if err != nil {
		t.Fatal(err)
	}
	member, err := certutil.CertsFromFile(files.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if err := member[0].CheckSignatureFrom(store.etcd.cert); err != nil {
		t.Errorf("the first member does not know the second: %v", err)
	}
}
