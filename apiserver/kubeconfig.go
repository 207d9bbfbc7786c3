package apiserver

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/pki"
)

// Grant is a kubeconfig to be made for somebody.
type Grant struct {
	// Who it is for.
	Who identity.Identity
	// Validity is how long it is good for. A certificate cannot be taken back: required.
	Validity time.Duration
	// Server is the URL under which they reach the server, and Cluster what they call the cluster.
	Server, Cluster string
}

// SignKubeconfig makes a kubeconfig with a certificate of the authority in a server's data directory, whether or not the server
// runs. It returns until when it is good.
func SignKubeconfig(dataDir string, g Grant) (kubeconfig []byte, until time.Time, err error) {
	if g.Validity <= 0 {
		return nil, time.Time{}, fmt.Errorf("signing a certificate for %s: a validity of %s is none", g.Who.User, g.Validity)
	}
	dir := pkiDir(dataDir)
	// Opening a store makes what is missing, which is not for us to do.
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, time.Time{}, fmt.Errorf("there is no certificate authority in %s: it is made at the first start", dir)
	}
	store, err := pki.Open(dir, clock.RealClock{})
	if err != nil {
		return nil, time.Time{}, err
	}
	pair, err := g.Who.SignFor(store.Authority(), g.Validity)
	if err != nil {
		return nil, time.Time{}, err
	}
	certificates, err := certutil.ParseCertsPEM(pair.Certificate)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("reading back the certificate of %s: %w", g.Who.User, err)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[g.Cluster] = &clientcmdapi.Cluster{Server: g.Server, CertificateAuthorityData: store.Authority().Certificate()}
	config.AuthInfos[g.Who.User] = &clientcmdapi.AuthInfo{ClientCertificateData: pair.Certificate, ClientKeyData: pair.Key}
	config.Contexts[g.Cluster] = &clientcmdapi.Context{Cluster: g.Cluster, AuthInfo: g.Who.User}
	config.CurrentContext = g.Cluster
	if kubeconfig, err = clientcmd.Write(*config); err != nil {
		return nil, time.Time{}, fmt.Errorf("encoding the kubeconfig of %s: %w", g.Who.User, err)
	}
	return kubeconfig, certificates[0].NotAfter, nil
}

// ServingCertificateOf is the certificate that the server in a data directory showed last: it tells by which names the server can
// be reached.
func ServingCertificateOf(dataDir string) (*x509.Certificate, error) {
	path := filepath.Join(pkiDir(dataDir), "apiserver.crt")
	certificates, err := certutil.CertsFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the serving certificate: %w", err)
	}
	return certificates[0], nil
}
