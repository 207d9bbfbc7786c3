package volumes

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
)

// signer takes requests, and decides as the test tells it.
type signer struct {
	clock    *testingclock.FakeClock
	requests map[string]*certificatesv1.PodCertificateRequest
	keys     map[string]any // the public key of each request
	away     bool
	count    int
}

func (s *signer) Request(_ context.Context, _ *corev1.Pod, _ *corev1.PodCertificateProjection, stub []byte) (string, error) {
	if s.away {
		return "", errors.New("away")
	}
	parsed, err := x509.ParseCertificateRequest(stub)
	if err != nil {
		return "", err
	}
	if err := parsed.CheckSignature(); err != nil {
		return "", err
	}
	s.count++
	name := fmt.Sprintf("req-%d", s.count)
	s.requests[name], s.keys[name] = &certificatesv1.PodCertificateRequest{}, parsed.PublicKey
	return name, nil
}

func (s *signer) Read(_ context.Context, _, name string) (*certificatesv1.PodCertificateRequest, error) {
	if found := s.requests[name]; found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("reading: %w", apierrors.NewNotFound(certificatesv1.Resource("podcertificaterequests"), name))
}

// decide says what becomes of the newest request. A certificate is the request's name, and to be refreshed after an hour.
func (s *signer) decide(condition string) {
	name := fmt.Sprintf("req-%d", s.count)
	status := &s.requests[name].Status
	status.Conditions = []metav1.Condition{{Type: condition, Status: metav1.ConditionTrue, Reason: "Because", Message: "so it is"}}
	status.CertificateChain = "a comment\n" + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(name)}))
	status.BeginRefreshAt = ptr.To(metav1.NewTime(s.clock.Now().Add(time.Hour)))
}

func TestPodCertificatesAreRequestedAndRenewed(t *testing.T) {
	clock := testingclock.NewFakeClock(now)
	from := &signer{clock: clock, requests: map[string]*certificatesv1.PodCertificateRequest{}, keys: map[string]any{}}
	m := New(Options{PodCertificates: from, Clock: clock})
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "pod"}}
	volume := &corev1.Volume{Name: "v", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{PodCertificate: &corev1.PodCertificateProjection{KeyType: "ED25519", KeyPath: "key", CertificateChainPath: "chain", CredentialBundlePath: "both"}},
	}}}}
	issued, denied := certificatesv1.PodCertificateRequestConditionTypeIssued, certificatesv1.PodCertificateRequestConditionTypeDenied
	for _, step := range []struct {
		name   string
		before func()
		want   string // the certificate, or the error
	}{
		{"the signer is away", func() { from.away = true }, "away"},
		{"it is requested", func() { from.away = false }, "credential bundle is not issued yet"},
		{"and awaited", func() {}, "credential bundle is not issued yet"},
		{"somebody deletes the request", func() { delete(from.requests, "req-1") }, "not found"},
		{"so it is requested again", func() {}, "credential bundle is not issued yet"},
		{"it is issued", func() { from.decide(issued) }, "req-2"},
		{"it stays until it is to be refreshed", func() { clock.Step(59 * time.Minute) }, "req-2"},
		{"then another is requested", func() { clock.Step(2 * time.Minute) }, "req-2"},
		{"and takes its place when it is issued", func() { from.decide(issued) }, "req-3"},
		{"the signer is away when it is to be refreshed", func() { clock.Step(2 * time.Hour); from.away = true }, "req-3"},
		{"it is there again", func() { from.away = false }, "req-3"},
		{"it denies", func() { from.decide(denied) }, `PodCertificateRequest was permanently denied: reason="Because" message="so it is"`},
		{"for good", func() { clock.Step(24 * time.Hour) }, "permanently denied"},
	} {
		step.before()
		files, err := m.content(t.Context(), pod, volume)
		if err != nil {
			if !strings.Contains(err.Error(), step.want) {
				t.Fatalf("%s: the error is %v, want %q in it", step.name, err, step.want)
			}
			continue
		}
		if got := words(files["chain"].Data); !slices.Equal(got, []string{step.want}) {
			t.Fatalf("%s: the certificates are %v, want %s", step.name, got, step.want)
		}
		if string(files["both"].Data) != string(files["key"].Data)+string(files["chain"].Data) {
			t.Errorf("%s: the bundle is not key and certificates", step.name)
		}
		if !isKeyOf(t, files["key"].Data, from.keys[step.want]) {
			t.Errorf("%s: the key is not that of the certificate", step.name)
		}
	}
	m.credentials.forget("/root/pods/pod")
	if left := slices.Collect(maps.Keys(m.credentials.kept)); len(left) > 0 {
		t.Errorf("keys are kept for a pod that is gone: %v", left)
	}
}

// isKeyOf says whether a key in PEM belongs to a public one.
func isKeyOf(t *testing.T, data []byte, public any) bool {
	t.Helper()
	block, _ := pem.Decode(data)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	a, err := x509.MarshalPKIXPublicKey(key.(crypto.Signer).Public())
	if err != nil {
		t.Fatal(err)
	}
	b, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Equal(a, b)
}

func TestKeysOfEachTypeSignTheirRequest(t *testing.T) {
	for keyType, want := range map[string]x509.PublicKeyAlgorithm{
		"RSA3072": x509.RSA, "ECDSAP256": x509.ECDSA, "ECDSAP384": x509.ECDSA, "ECDSAP521": x509.ECDSA, "ED25519": x509.Ed25519,
	} {
		_, stub, err := newKey(keyType)
		if err != nil {
			t.Fatal(err)
		}
		request, err := x509.ParseCertificateRequest(stub)
		if err != nil {
			t.Fatal(err)
		}
		if request.PublicKeyAlgorithm != want || request.CheckSignature() != nil {
			t.Errorf("%s: the request is signed by %v (%v)", keyType, request.PublicKeyAlgorithm, request.CheckSignature())
		}
	}
	if _, _, err := newKey("DSA"); err == nil {
		t.Error("a type that the API does not have is taken")
	}
}
