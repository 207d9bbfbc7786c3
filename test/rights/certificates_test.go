package rights_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/internal/await"
)

// certificates asks for that of a node, and spoils what is published of the API server's.
func (s *session) certificates(t *testing.T) {
	request := &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{Name: "node"},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request:    asksForANode(t, "far"),
			SignerName: certificatesv1.KubeAPIServerClientKubeletSignerName,
			Usages:     []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageClientAuth},
		},
	}
	s.create(t, request)
	await.Until(t, "the request to be approved and signed", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(request), request)
		return fmt.Sprint(request.Status.Conditions, err), len(request.Status.Certificate) > 0
	})
	s.servesAsNode(t, "node-0")

	const signer = "kubernetes.io/kube-apiserver-serving"
	published := func() []certificatesv1.ClusterTrustBundle {
		var bundles certificatesv1.ClusterTrustBundleList
		if err := s.List(t.Context(), &bundles, client.MatchingFields{"spec.signerName": signer}); err != nil {
			t.Fatal(err)
		}
		return bundles.Items
	}
	await.Until(t, "the API server's authority to be published", func() (string, bool) {
		return fmt.Sprint(published()), len(published()) == 1
	})
	bundle := published()[0]
	authority := bundle.Spec.TrustBundle
	s.create(t, &certificatesv1.ClusterTrustBundle{
		ObjectMeta: metav1.ObjectMeta{Name: "kubernetes.io:kube-apiserver-serving:other"},
		Spec:       certificatesv1.ClusterTrustBundleSpec{SignerName: signer, TrustBundle: authority},
	})
	s.change(t, &bundle, func() { bundle.Spec.TrustBundle += "\n" })
	await.Until(t, "it to be put right", func() (string, bool) {
		now := published()
		return fmt.Sprint(now), len(now) == 1 && now[0].Spec.TrustBundle == authority
	})
}

// servesAsNode asks, as a node that may, for the certificate of its server.
func (s *session) servesAsNode(t *testing.T, node string) {
	may := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "serves"}, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{"certificates.k8s.io"}, Resources: []string{"certificatesigningrequests/selfnodeserver"}, Verbs: []string{"create"},
	}}}
	s.create(t, may, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "serves"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: may.Name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "system:nodes"}},
	})
	request := &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{Name: "server"},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request:    asksForANode(t, node, node),
			SignerName: certificatesv1.KubeletServingSignerName,
			Usages:     []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth},
		},
	}
	s.as(t, "system:node:"+node, "system:nodes").create(t, request)
	await.Until(t, "the request to be approved and signed", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(request), request)
		return fmt.Sprint(request.Status.Conditions, err), len(request.Status.Certificate) > 0
	})
}

// asksForANode is what a node asks for a certificate with; as a server, if it has names.
func asksForANode(t *testing.T, node string, names ...string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	asked := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "system:node:" + node, Organization: []string{"system:nodes"}}, DNSNames: names}
	der, err := x509.CreateCertificateRequest(rand.Reader, asked, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

// bootstrap lets a token sign where the cluster is, and expire.
func (s *session) bootstrap(t *testing.T) {
	info := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespacePublic, Name: "cluster-info"}, Data: map[string]string{"kubeconfig": "here"},
	}
	token := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "bootstrap-token-abcdef"},
		Type:       "bootstrap.kubernetes.io/token",
		StringData: map[string]string{"token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-signing": "true"},
	}
	s.create(t, info, token)
	await.Until(t, "the token to sign", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(info), info)
		return fmt.Sprint(info.Data, err), info.Data["jws-kubeconfig-abcdef"] != ""
	})
	s.change(t, token, func() {
		token.StringData = map[string]string{"expiration": time.Now().Add(-time.Minute).Format(time.RFC3339)}
	})
	s.gone(t, token)
}
