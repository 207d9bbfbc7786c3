package csrsigner

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
	certificatesv1 "k8s.io/api/certificates/v1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	corev1 "k8s.io/api/core/v1"
)

type change = func(*certificatesv1.CertificateSigningRequest)

var (
	approved = gen.Says(certificatesv1.CertificateApproved, gen.Ago(time.Minute))
	denied   = gen.Says(certificatesv1.CertificateDenied, gen.Ago(time.Minute))
)

func signedBy(name string) change {
	return func(r *certificatesv1.CertificateSigningRequest) { r.Spec.SignerName = name }
}

func asks(template *x509.CertificateRequest) change {
	encoded := gen.Asking(template)
	return func(r *certificatesv1.CertificateSigningRequest) { r.Spec.Request = encoded }
}

func uses(usages ...certificatesv1.KeyUsage) change {
	return func(r *certificatesv1.CertificateSigningRequest) { r.Spec.Usages = usages }
}

func expires(seconds int32) change {
	return func(r *certificatesv1.CertificateSigningRequest) { r.Spec.ExpirationSeconds = &seconds }
}

// signing is a new authority, with the options to sign by it.
func signing(t testing.TB) (*x509.Certificate, Options) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: gen.Now.AddDate(100, 0, 0),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	own, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return own, Options{Sign: func(template *x509.Certificate, public crypto.PublicKey) ([]byte, error) {
		leaf := *template
		leaf.SerialNumber = big.NewInt(2)
		return x509.CreateCertificate(rand.Reader, &leaf, own, public, key)
	}}
}

func decide(t *testing.T, c Controller, r *certificatesv1.CertificateSigningRequest) string {
	t.Helper()
	w, err := c.Observe(t.Context(), loop.View{}, r)
	if err != nil {
		t.Fatal(err)
	}
	return c.Plan(r, w, gen.Now).String()
}

func TestPlan(t *testing.T) {
	const (
		client, kubelet = certificatesv1.KubeAPIServerClientSignerName, certificatesv1.KubeAPIServerClientKubeletSignerName
		serving, legacy = certificatesv1.KubeletServingSignerName, certificatesv1beta1.LegacyUnknownSignerName
		clientAuth      = certificatesv1.UsageClientAuth
		serverAuth      = certificatesv1.UsageServerAuth
		signature       = certificatesv1.UsageDigitalSignature
	)
	jane := asks(&x509.CertificateRequest{Subject: pkix.Name{CommonName: "jane"}})
	server := gen.OfNode("one")
	server.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)}
	for _, tt := range []struct {
		name string
		is   []change
		want string
	}{
		{"one that nobody has decided about waits", nil, "nothing to do"},
		{"an approved one is signed", []change{approved},
			"sign CertificateSigningRequest a for CN=system:node:one,O=system:nodes until 2031-01-02T02:59:05Z at most: " +
				"it was approved, and is what kubernetes.io/kube-apiserver-client-kubelet signs"},
		{"one that was denied as well is not", []change{approved, denied}, "nothing to do"},
		{"nor one that failed", []change{approved, gen.Says(certificatesv1.CertificateFailed, gen.Ago(0))}, "nothing to do"},
		{"nor one that has its certificate", []change{approved, func(r *certificatesv1.CertificateSigningRequest) { r.Status.Certificate = []byte("x") }}, "nothing to do"},
		{"nor one that is being deleted", []change{approved, gen.Deleted[*certificatesv1.CertificateSigningRequest]}, "nothing to do"},
		{"nor one for somebody else", []change{approved, signedBy("example.com/signer")}, "nothing to do"},
		{"nor one for another signer of Kubernetes", []change{approved, signedBy("kubernetes.io/other")}, "nothing to do"},

		{"a client may be anybody", []change{approved, signedBy(client), jane, uses(clientAuth)},
			"sign CertificateSigningRequest a for CN=jane until 2031-01-02T02:59:05Z at most: it was approved, and is what kubernetes.io/kube-apiserver-client signs"},
		{"but not a server", []change{approved, signedBy(client), jane, uses(clientAuth, serverAuth)}, failure("invalid usage for client certificate: server auth")},
		{"and it must be a client", []change{approved, signedBy(client), jane, uses(signature)}, failure("missing required usage for client certificate: client auth")},

		{"a kubelet's client certificate names a node", []change{approved, signedBy(kubelet), jane}, failure("subject organization is not system:nodes")},
		{"a kubelet's serving certificate is for an address", []change{approved, signedBy(serving), asks(server), uses(signature, serverAuth)},
			"sign CertificateSigningRequest a for CN=system:node:one,O=system:nodes until 2031-01-02T02:59:05Z at most: it was approved, and is what kubernetes.io/kubelet-serving signs"},
		{"and not without one", []change{approved, signedBy(serving), uses(signature, serverAuth)}, failure("DNS or IP subjectAltName is required")},
		{"and not for a client", []change{approved, signedBy(serving), asks(server)},
			failure("usages did not match [digital signature key encipherment server auth]")},
		{"as of old anything goes", []change{approved, signedBy(legacy), jane, uses(certificatesv1.UsageCodeSigning)},
			"sign CertificateSigningRequest a for CN=jane until 2031-01-02T02:59:05Z at most: it was approved, and is what kubernetes.io/legacy-unknown signs"},
		{"but what nobody knows", []change{approved, signedBy(legacy), jane, uses("flying")},
			`nothing to do: it cannot be signed: unrecognized usage values: ["flying"]`},

		{"a certificate may be for an hour", []change{approved, expires(3600)},
			"sign CertificateSigningRequest a for CN=system:node:one,O=system:nodes until 2030-01-02T04:04:05Z at most: " +
				"it was approved, and is what kubernetes.io/kube-apiserver-client-kubelet signs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := decide(t, Controller{}, gen.CertificateSigningRequest("a", tt.is...)); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// failure is the plan to say of an approved request that it is not signed.
func failure(message string) string {
	return `status CertificateSigningRequest a {"status":{"conditions":[` +
		`{"lastTransitionTime":null,"lastUpdateTime":"2030-01-02T03:03:05Z","status":"True","type":"Approved"},` +
		`{"lastTransitionTime":null,"lastUpdateTime":"2030-01-02T03:04:05Z","message":"` + message + `","reason":"SignerValidationFailure","status":"True","type":"Failed"}]}}`
}

func TestHowLongCertificatesAreGood(t *testing.T) {
	seconds := func(d time.Duration) *int32 { s := int32(d / time.Second); return &s }
	for _, tt := range []struct {
		name  string
		most  time.Duration
		asked *int32
		want  time.Duration
	}{
		{"a year, where nobody says anything", 0, nil, 365 * 24 * time.Hour},
		{"for as long as they may be", 48 * time.Hour, nil, 48 * time.Hour},
		{"for as long as somebody asks", 0, seconds(time.Hour), time.Hour},
		{"but not for longer than they may be", 48 * time.Hour, seconds(49 * time.Hour), 48 * time.Hour},
		{"ten minutes at least", 0, seconds(time.Minute), 10 * time.Minute},
		{"but where they may not even be that", 5 * time.Minute, seconds(6 * time.Minute), 5 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := (Controller{Options{Duration: tt.most}}).validity(tt.asked); got != tt.want {
				t.Errorf("it is %s, want %s", got, tt.want)
			}
		})
	}
}

func TestWhatCannotBeReadIsForAPerson(t *testing.T) {
	r := gen.CertificateSigningRequest("a", approved, func(r *certificatesv1.CertificateSigningRequest) { r.Spec.Request = []byte("x") })
	_, err := Controller{}.Observe(t.Context(), loop.View{}, r)
	var stop *engine.StopError
	if !errors.As(err, &stop) || !strings.Contains(err.Error(), "PEM block type") {
		t.Errorf("got %v, want an error that is not tried again", err)
	}
}

func TestARefusalSaysWhy(t *testing.T) {
	r := gen.CertificateSigningRequest("a", approved)
	got := failed(r, errors.New("it is wrong"), gen.Now)
	if len(r.Status.Conditions) != 1 || len(got.Status.Conditions) != 2 {
		t.Fatalf("before %v, after %v", r.Status.Conditions, got.Status.Conditions)
	}
	c := got.Status.Conditions[1]
	if c.Type != certificatesv1.CertificateFailed || c.Status != corev1.ConditionTrue || c.Reason != "SignerValidationFailure" ||
		c.Message != "it is wrong" || !c.LastUpdateTime.Time.Equal(gen.Now) {
		t.Errorf("the condition is %v", c)
	}
}

// certificateIn is the one in a request.
func certificateIn(r *certificatesv1.CertificateSigningRequest) (*x509.Certificate, error) {
	block, rest := pem.Decode(r.Status.Certificate)
	if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("it holds something else than one certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}
