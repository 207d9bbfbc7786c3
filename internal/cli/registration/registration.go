package registration

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/orrery-dev/orrery/internal/durable"
)

// Registration is who a node is.
type Registration struct {
	// NodeName is the name of its Node.
	NodeName string `json:"nodeName"`
	// Address is its InternalIP, at which its agent serves.
	Address netip.Addr `json:"address"`
	// ClusterDNS are the addresses that its pods ask for names, of the domain ClusterDomain; none means the machine's own resolvers.
	ClusterDNS    []string `json:"clusterDNS,omitempty"`
	ClusterDomain string   `json:"clusterDomain,omitempty"`
	// Storage says that it makes volumes.
	Storage bool `json:"storage,omitempty"`
	// Rotates says that the node requests its certificates itself: that of its server is not among the files then.
	Rotates bool `json:"rotates,omitempty"`
	// Files are the rest, as they are written; empty where it was read.
	Files Files `json:"-"`

	dir string
	// through is where the API server is reached instead of where it is; empty means nowhere else.
	through string
}

// Files are the contents of files. One of which there is nothing is not written.
type Files struct {
	// NodeKubeconfig is the node agent's access to the API server, ProxyKubeconfig that of what programs the node's network, and
	// DNSKubeconfig that of its DNS server, and StorageKubeconfig that of what makes volumes there; nil where it has none.
	NodeKubeconfig, ProxyKubeconfig, DNSKubeconfig, StorageKubeconfig []byte
	// Certificate and Key are those of the agent's server; Authority is who signed the API server's clients. All are PEM.
	Certificate, Key, Authority []byte
}

// The names of the files. That of who the node is comes last: with it the registration is whole.
const (
	nodeKubeconfig    = "node.kubeconfig"
	proxyKubeconfig   = "proxy.kubeconfig"
	dnsKubeconfig     = "dns.kubeconfig"
	storageKubeconfig = "storage.kubeconfig"
	certificate       = "serving.crt"
	key               = "serving.key"
	authority         = "ca.crt"
	whoItIs           = "node.json"
)

// Write writes a registration into a folder, which is made when missing.
func (r Registration) Write(dir string) error {
	who, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the registration of node %s: %w", r.NodeName, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the folder of a registration: %w", err)
	}
	for _, file := range []struct {
		name    string
		content []byte
	}{
		{nodeKubeconfig, r.Files.NodeKubeconfig}, {proxyKubeconfig, r.Files.ProxyKubeconfig}, {dnsKubeconfig, r.Files.DNSKubeconfig},
		{storageKubeconfig, r.Files.StorageKubeconfig},
		{certificate, r.Files.Certificate}, {key, r.Files.Key}, {authority, r.Files.Authority}, {whoItIs, append(who, '\n')},
	} {
		if len(file.content) == 0 {
			continue
		}
		path := filepath.Join(dir, file.name)
		if err := durable.WriteFile(path, file.content, 0o600); err != nil {
			return fmt.Errorf("writing the registration of node %s: %w", r.NodeName, err)
		}
	}
	return nil
}

// Read reads the registration in a folder. Where there is none, the error is os.ErrNotExist.
func Read(dir string) (Registration, error) {
	r := Registration{dir: dir}
	text, err := os.ReadFile(filepath.Join(dir, whoItIs))
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return Registration{}, fmt.Errorf("reading the registration in %s: %w", dir, err)
	}
	return r, nil
}

// Through is the registration for who reaches the API server at another URL, under a name or address that its certificate covers.
func (r Registration) Through(url string) Registration {
	r.through = url
	return r
}

// Node is how the node agent reaches the API server.
func (r Registration) Node() (*rest.Config, error) { return r.config(nodeKubeconfig) }

// Proxy is how that which programs the node's network reaches the API server.
func (r Registration) Proxy() (*rest.Config, error) { return r.config(proxyKubeconfig) }

// DNS is how the node's DNS server reaches the API server.
func (r Registration) DNS() (*rest.Config, error) { return r.config(dnsKubeconfig) }

// MakesVolumes is how that which makes the node's volumes reaches the API server.
func (r Registration) MakesVolumes() (*rest.Config, error) { return r.config(storageKubeconfig) }

func (r Registration) config(file string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(r.dir, file))
	if err != nil {
		return nil, fmt.Errorf("reading the registration in %s: %w", r.dir, err)
	}
	if r.through != "" {
		config.Host = r.through
	}
	config.QPS = -1 // the server's priority and fairness decides
	return config, nil
}

// Serving are the certificate of the agent's server, and those by whom its clients are signed.
func (r Registration) Serving() (*tls.Certificate, *x509.CertPool, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(r.dir, certificate), filepath.Join(r.dir, key))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the registration in %s: %w", r.dir, err)
	}
	pool, err := r.Authority()
	return &pair, pool, err
}

// Authority are those by whom the clients of the agent's server are signed.
func (r Registration) Authority() (*x509.CertPool, error) {
	pem, err := os.ReadFile(filepath.Join(r.dir, authority))
	if err != nil {
		return nil, fmt.Errorf("reading the registration in %s: %w", r.dir, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading the registration in %s: %s holds no certificate", r.dir, authority)
	}
	return pool, nil
}
