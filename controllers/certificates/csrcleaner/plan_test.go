package csrcleaner

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type change = func(*certificatesv1.CertificateSigningRequest)

func request(name string, created metav1.Time, changes ...change) *certificatesv1.CertificateSigningRequest {
	r := &certificatesv1.CertificateSigningRequest{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: created}}
	for _, change := range changes {
		change(r)
	}
	return r
}

func says(kind certificatesv1.RequestConditionType, at metav1.Time) change {
	return func(r *certificatesv1.CertificateSigningRequest) {
		r.Status.Conditions = append(r.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
			Type: kind, Status: corev1.ConditionTrue, LastUpdateTime: at,
		})
	}
}

func hasCertificate(data []byte) change {
	return func(r *certificatesv1.CertificateSigningRequest) { r.Status.Certificate = data }
}

// certificate is one that expires at a time.
func certificate(t *testing.T, expires time.Time) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: expires.Add(-time.Hour), NotAfter: expires}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestPlan(t *testing.T) {
	const approved, denied, failed = certificatesv1.CertificateApproved, certificatesv1.CertificateDenied, certificatesv1.CertificateFailed
	week := gen.Ago(7 * 24 * time.Hour)
	good := hasCertificate(certificate(t, gen.Now.Add(90*24*time.Hour)))
	expired := hasCertificate(certificate(t, gen.Now.Add(-time.Second)))
	for _, tt := range []struct {
		name    string
		created metav1.Time
		is      []change
		want    string
	}{
		{"one that nobody has decided about stays for a day", gen.Ago(23 * time.Hour), nil,
			"nothing to do\nlook again in 1h0m0s: by then it was made 24h ago, and nobody has decided about it"},
		{"and goes then", gen.Ago(24 * time.Hour), nil, "delete CertificateSigningRequest a: it was made 24h ago, and nobody has decided about it"},
		{"one that was approved and has no certificate stays for a day, however old it is", week, []change{says(approved, gen.Ago(2*time.Hour))},
			"nothing to do\nlook again in 22h0m0s: by then it was approved 24h ago, and has no certificate"},
		{"and goes then", week, []change{says(approved, gen.Ago(25*time.Hour))},
			"delete CertificateSigningRequest a: it was approved 24h ago, and has no certificate"},
		{"one that has its certificate stays for an hour", week, []change{says(approved, gen.Ago(20*time.Minute)), good},
			"nothing to do\nlook again in 40m0s: by then it was approved 1h ago, and has its certificate"},
		{"and goes then", week, []change{says(approved, gen.Ago(time.Hour)), good},
			"delete CertificateSigningRequest a: it was approved 1h ago, and has its certificate"},
		{"one whose certificate has expired goes at once", week, []change{says(approved, gen.Ago(time.Minute)), expired},
			"delete CertificateSigningRequest a: its certificate has expired"},
		{"a certificate that cannot be read is one all the same", week, []change{says(approved, gen.Ago(time.Hour)), hasCertificate([]byte("x"))},
			"delete CertificateSigningRequest a: it was approved 1h ago, and has its certificate"},
		{"one that was denied stays for an hour", week, []change{says(denied, gen.Ago(0))},
			"nothing to do\nlook again in 1h0m0s: by then it was denied 1h ago"},
		{"and goes then", week, []change{says(denied, gen.Ago(time.Hour))}, "delete CertificateSigningRequest a: it was denied 1h ago"},
		{"one that failed goes as well", week, []change{says(failed, gen.Ago(time.Hour))}, "delete CertificateSigningRequest a: it failed 1h ago"},
		{"of several limits the first counts", week, []change{says(approved, gen.Ago(2*time.Hour)), says(failed, gen.Ago(time.Hour))},
			"delete CertificateSigningRequest a: it failed 1h ago"},
		{"one that does not say since when stays", week, []change{says(denied, metav1.Time{})}, "nothing to do"},
		{"so does one that says something else", week, []change{says("Seen", week)}, "nothing to do"},
		{"one that is being deleted is left alone", week, []change{gen.Deleted[*certificatesv1.CertificateSigningRequest]}, "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := request("a", tt.created, tt.is...)
			w, err := Controller{}.Observe(t.Context(), loop.View{}, r)
			if err != nil {
				t.Fatal(err)
			}
			if got := (Controller{}).Plan(r, w, gen.Now).String(); got != tt.want {
				t.Errorf("the plan is %q, want %q", got, tt.want)
			}
		})
	}
}
