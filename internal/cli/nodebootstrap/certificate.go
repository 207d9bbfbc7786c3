package nodebootstrap

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"

	"github.com/orrery-dev/orrery/apiserver/identity"
	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/client-go/kubernetes"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/certificate"
	"k8s.io/client-go/util/certificate/csr"
	"k8s.io/client-go/util/keyutil"
)

// subject is whose the certificates of a node are.
func subject(node string) pkix.Name {
	who := identity.Node(node)
	return pkix.Name{CommonName: who.User, Organization: who.Groups}
}

// clientCertificate requests the certificate by which the API server knows the node, for a key of its own. Both are PEM.
func (o *Options) clientCertificate(ctx context.Context, api kubernetes.Interface) (signed, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making a private key: %w", err)
	}
	if key, err = keyutil.MarshalPrivateKeyToPEM(private); err != nil {
		return nil, nil, fmt.Errorf("encoding a private key: %w", err)
	}
	request, err := certutil.MakeCSRFromTemplate(private, &x509.CertificateRequest{Subject: subject(o.NodeName)})
	if err != nil {
		return nil, nil, fmt.Errorf("requesting a certificate: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, max(o.wait(), certificatePatience))
	defer cancel()
	usages := certificate.DefaultKubeletClientGetUsages(private)
	name, uid, err := csr.RequestCertificateWithContext(ctx, api, request, "", certificatesv1.KubeAPIServerClientKubeletSignerName, nil, usages, private)
	if err != nil {
		return nil, nil, o.notLetIn("requesting the certificate of node "+o.NodeName, err)
	}
	signed, err = csr.WaitForCertificate(ctx, api, name, uid)
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, nil, fmt.Errorf("nobody has approved and signed CertificateSigningRequest %s within %s: do certificatesigningrequest-approving-controller and certificatesigningrequest-signing-controller run?", name, certificatePatience)
	case err != nil:
		return nil, nil, fmt.Errorf("waiting for the certificate of node %s by CertificateSigningRequest %s: %w", o.NodeName, name, err)
	}
	if _, err := tls.X509KeyPair(signed, key); err != nil {
		return nil, nil, fmt.Errorf("reading the certificate of node %s: %w", o.NodeName, err)
	}
	return signed, key, nil
}
