package csrsigner

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/signingrequest"
	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/kubernetes/pkg/controller/certificates/authority"
	"pgregory.net/rapid"
)

// TestCertificatesAreThoseOfKubernetes signs what random requests ask for by Kubernetes' own authority, and by ours with the same key.
func TestCertificatesAreThoseOfKubernetes(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: gen.Now.AddDate(100, 0, 0), BasicConstraintsValid: true, IsCA: true, SubjectKeyId: []byte{1}}
	theirs := &authority.CertificateAuthority{Certificate: own, PrivateKey: key}
	usages := slices.Concat(slices.Sorted(maps.Keys(keyUsages)), slices.Sorted(maps.Keys(extendedKeyUsages)), []certificatesv1.KeyUsage{"flying"})
	rapid.Check(t, func(t *rapid.T) {
		asked, err := signingrequest.Parse(gen.Asking(drawn(t)))
		if err != nil {
			t.Fatal(err)
		}
		uses := rapid.SliceOfN(rapid.SampledFrom(usages), 1, 4).Draw(t, "usages")
		validity := time.Duration(rapid.IntRange(600, 60000).Draw(t, "seconds")) * time.Second
		wantDER, wantErr := theirs.Sign(asked.Raw, authority.PermissiveSigningPolicy{
			TTL: validity, Usages: uses, Backdate: 5 * time.Minute, Short: 8 * time.Hour, Now: func() time.Time { return gen.Now },
		})
		template, gotErr := certificate(asked, uses, validity, gen.Now)
		if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
			t.Fatalf("the error is %v, want %v", gotErr, wantErr)
		}
		if wantErr != nil {
			return
		}
		template.SerialNumber = big.NewInt(2)
		gotDER, err := x509.CreateCertificate(rand.Reader, template, own, asked.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(told(t, wantDER), told(t, gotDER)); diff != "" {
			t.Errorf("certificates of Kubernetes (-) and ours (+):\n%s", diff)
		}
	})
}

func drawn(t *rapid.T) *x509.CertificateRequest {
	words := rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,5}`), 0, 2)
	asked := &x509.CertificateRequest{
		Subject: pkix.Name{
			CommonName: rapid.StringMatching(`[a-z:]{1,8}`).Draw(t, "name"), Organization: words.Draw(t, "groups"),
			Country: words.Draw(t, "countries"), SerialNumber: rapid.StringMatching(`[a-z]{0,3}`).Draw(t, "number"),
		},
		DNSNames: words.Draw(t, "DNS"), EmailAddresses: words.Draw(t, "email"),
	}
	if rapid.Bool().Draw(t, "has addresses") {
		asked.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1), net.ParseIP("2001:db8::1")}
		asked.URIs = []*url.URL{{Scheme: "https", Host: "example.com"}}
	}
	if rapid.Bool().Draw(t, "has an extension") {
		asked.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4}, Value: []byte{5, 0}}}
	}
	return asked
}

// told is what a certificate says, but for its serial number and signature.
func told(t *rapid.T, der []byte) map[string]any {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{
		"subject": string(c.RawSubject), "issuer": string(c.RawIssuer), "from": c.NotBefore, "until": c.NotAfter,
		"usage": c.KeyUsage, "extended": c.ExtKeyUsage, "authority": c.IsCA, "constraints": c.BasicConstraintsValid,
		"key": string(c.RawSubjectPublicKeyInfo), "extensions": fmt.Sprint(c.Extensions), "version": c.Version,
	}
}
