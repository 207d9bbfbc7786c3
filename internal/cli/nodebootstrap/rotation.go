package nodebootstrap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/registration"
	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/certificate"
)

// Rotation keeps the certificates of a node good: each is requested anew when most of its time is over, as the kubelet does it.
type Rotation struct {
	client, server certificate.Manager
}

// NewRotation reads the pairs of a registration in a folder. It requests nothing yet. A client certificate that has ended is an error:
// nobody would believe a request for another.
func NewRotation(dir string, r registration.Registration, now time.Time) (*Rotation, error) {
	clients, err := certificate.NewFileStore(clientPair, dir, dir, "", "")
	if err != nil {
		return nil, fmt.Errorf("reading the registration in %s: %w", dir, err)
	}
	current, err := clients.Current()
	if err != nil {
		return nil, fmt.Errorf("reading the client certificate of node %s: %w", r.NodeName, err)
	}
	if end := current.Leaf.NotAfter; now.After(end) {
		return nil, fmt.Errorf("the certificate of node %s ended at %s, and nobody lets the node in by it: leave with 'orrery node leave --force', delete the Node, and join again with a token",
			r.NodeName, end.UTC().Format(time.RFC3339))
	}
	servers, err := certificate.NewFileStore(servingPair, dir, dir, "", "")
	if err != nil {
		return nil, fmt.Errorf("reading the registration in %s: %w", dir, err)
	}
	rotation := &Rotation{}
	if rotation.client, err = newManager(r, certificate.Config{
		SignerName: certificatesv1.KubeAPIServerClientKubeletSignerName, GetUsages: certificate.DefaultKubeletClientGetUsages,
		Template: &x509.CertificateRequest{Subject: subject(r.NodeName)}, CertificateStore: clients,
	}); err != nil {
		return nil, err
	}
	rotation.server, err = newManager(r, certificate.Config{
		SignerName: certificatesv1.KubeletServingSignerName, GetUsages: certificate.DefaultKubeletServingGetUsages,
		Template: &x509.CertificateRequest{
			Subject: subject(r.NodeName), DNSNames: []string{r.NodeName}, IPAddresses: []net.IP{r.Address.AsSlice()},
		},
		CertificateStore: servers,
	})
	return rotation, err
}

// newManager is what rotates one certificate, by the node's own name.
func newManager(r registration.Registration, config certificate.Config) (certificate.Manager, error) {
	config.ClientsetFn = func(*tls.Certificate) (kubernetes.Interface, error) {
		access, err := r.Node()
		if err != nil {
			return nil, err
		}
		return kubernetes.NewForConfig(access)
	}
	manager, err := certificate.NewManager(&config)
	if err != nil {
		return nil, fmt.Errorf("rotating the certificates of node %s: %w", r.NodeName, err)
	}
	return manager, nil
}

// errUnsigned is the error of a connection that comes before the first certificate.
var errUnsigned = errors.New("the certificate of the node's server has not been signed yet")

// Serving is the certificate that the node's server shows.
func (r *Rotation) Serving() (*tls.Certificate, error) {
	if current := r.server.Current(); current != nil {
		return current, nil
	}
	return nil, errUnsigned
}

// firstPause is how often it is looked whether the first certificate of the server is there.
const firstPause = 100 * time.Millisecond

// Run rotates until ctx ends, and calls ready once the server has a certificate.
func (r *Rotation) Run(ctx context.Context, ready func(until time.Time)) error {
	for _, manager := range []certificate.Manager{r.client, r.server} {
		manager.Start()
		defer manager.Stop()
	}
	err := wait.PollUntilContextCancel(ctx, firstPause, true, func(context.Context) (bool, error) { return r.server.Current() != nil, nil })
	if err == nil {
		ready(r.server.Current().Leaf.NotAfter)
		<-ctx.Done()
	}
	return nil // the end of ctx is no error
}
