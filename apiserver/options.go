package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime/schema"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/orrery-dev/orrery/apiserver/etcd"
)

// DefaultServiceCIDR is where Services get their addresses from.
const DefaultServiceCIDR = "10.96.0.0/16"

// DefaultEtcdQuota is the largest that etcd's makers recommend: 8 GiB.
const DefaultEtcdQuota = etcd.DefaultQuota

// Options configures a Server. The zero value, with a DataDir, is a server on a free port of the loopback interface
// with an etcd of its own.
type Options struct {
	// DataDir holds certificates and etcd's data. It is made when it is missing. Required, unless Ephemeral.
	DataDir string
	// Ephemeral makes a server for a test: it never waits for the disk, and without a DataDir it uses a temporary
	// directory that Stop removes.
	Ephemeral bool

	// Listener is where clients connect to, see [Listen]. The server closes it. Nil means a free port of 127.0.0.1.
	Listener net.Listener
	// Also are further listeners, for instance on the address under which pods reach the server. The server closes
	// them. They should have the port of Listener, since the `kubernetes` Service knows one port only.
	Also []net.Listener
	// AdvertiseAddress is the address that the endpoints of the `kubernetes` Service name, so it is the one under
	// which pods reach the server. The zero value, and a loopback address, leave that Service without endpoints.
	AdvertiseAddress netip.Addr
	// Names are further DNS names and IP addresses under which clients reach the server: the serving certificate
	// covers them. The addresses of the listeners, localhost and the names of the `kubernetes` Service are always in it.
	Names []string

	// ServiceCIDR is the range of Services' addresses, or two with a comma, of which one is of IPv4 and one of IPv6. It defaults to
	// DefaultServiceCIDR.
	ServiceCIDR string
	// ClusterDomain is the DNS suffix of Services, by default "cluster.local". The service-account issuer is named
	// after it.
	ClusterDomain string

	// Etcd is an etcd that somebody else runs. Nil means one of our own in DataDir.
	Etcd *ExternalEtcd

	// Peering makes our own etcd one of several members, or the first that others join. Nil means that it is on its own.
	Peering *Peering

	// EtcdQuota is how large the store of our own etcd may become before there are no more writes, in bytes; 0 means DefaultEtcdQuota.
	EtcdQuota int64

	// EncryptSecrets encrypts Secrets in etcd, with a key that is made at the first start and lies in DataDir (package
	// encryption). Secrets that were stored before are read as they are.
	EncryptSecrets bool
	// EncryptionConfig is the path of an EncryptionConfiguration to use in the place of that key. Empty means none.
	EncryptionConfig string
	// Audit says that, and where, requests are written down. Nil means that they are not.
	Audit *Audit

	// TwoNames serves the kinds of package apis under the groups of the Orrery naming as well, as second names of the
	// same objects.
	TwoNames bool

	// Groups are served beside Kubernetes' own, each with an APIService, unless somebody has made one that says otherwise. A group
	// belongs to one server. Nil means none.
	Groups []*genericapiserver.APIGroupInfo

	// Unserved are resources whose objects are stored and then acted on by nobody, each with what to say to who makes one: it
	// is told in a Warning header. Nil means none.
	Unserved map[schema.GroupResource]string

	// Handlers are served beside the API, by their paths. Who may ask there is said by rules on nonResourceURLs. Nil means none.
	Handlers map[string]http.Handler

	// NodesJoin lets in who shows a bootstrap token, and gives who does the rights to become a node: see identity.JoiningPolicy.
	NodesJoin bool

	// FeatureGates switches Kubernetes features. They are those of every server in the process.
	FeatureGates map[string]bool
	// Flags are further flags of kube-apiserver, as in "--max-requests-inflight=100". They win over what Options says, as far
	// as upstream's server obeys them: [CheckFlags] tells those with which it would not work any more.
	Flags []string

	// Progress is told of each phase as it begins and ends, from one goroutine at a time. Nil is allowed.
	Progress func(Phase)
	// Logger receives what the server has to say about itself and etcd. The zero value is klog's.
	Logger logr.Logger
}

// ExternalEtcd says how to reach an etcd that somebody else runs.
type ExternalEtcd struct {
	// Endpoints are URLs such as https://10.0.0.5:2379.
	Endpoints []string
	// Prefix is where in etcd the objects lie, by default /registry. Control planes that share an etcd need different ones.
	Prefix string
	// CAFile, CertFile and KeyFile are paths of PEM files: the authority that etcd's certificate must be signed by, and
	// the client certificate to present. Empty for an etcd without TLS.
	CAFile, CertFile, KeyFile string
}

// complete fills in what was left out. It opens the listener last, so that nothing is left behind on an error.
func (o *Options) complete() (removeDir string, err error) {
	if o.ServiceCIDR == "" {
		o.ServiceCIDR = DefaultServiceCIDR
	}
	if o.ClusterDomain == "" {
		o.ClusterDomain = "cluster.local"
	}
	if _, err := serviceIPs(o.ServiceCIDR); err != nil {
		return "", err
	}
	if o.Etcd != nil && len(o.Etcd.Endpoints) == 0 {
		return "", errors.New("external etcd has no endpoints: name at least one URL")
	}
	switch {
	case o.DataDir == "" && !o.Ephemeral:
		return "", errors.New("data directory is not set: choose one, or ask for an ephemeral server")
	case o.DataDir == "":
		if o.DataDir, err = os.MkdirTemp("", "orrery-"); err != nil {
			return "", fmt.Errorf("creating a temporary data directory: %w", err)
		}
		removeDir = o.DataDir
	default:
		if o.DataDir, err = filepath.Abs(o.DataDir); err != nil {
			return "", fmt.Errorf("finding the path of data directory %s: %w", o.DataDir, err)
		}
	}
	if o.Listener == nil {
		o.Listener, err = Listen(context.Background(), "127.0.0.1:0")
	}
	return removeDir, err
}

// serviceIPs are the first address of each range, of which the `kubernetes` Service has the first one.
func serviceIPs(cidrs string) ([]net.IP, error) {
	var ips []net.IP
	for cidr := range strings.SplitSeq(cidrs, ",") {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return nil, fmt.Errorf("service CIDR %q is not an address range such as %s: %w", cidr, DefaultServiceCIDR, err)
		}
		if prefix.Addr().BitLen()-prefix.Bits() < 3 {
			return nil, fmt.Errorf("service CIDR %q is too small: at least 8 addresses are needed", cidr)
		}
		ips = append(ips, prefix.Masked().Addr().Next().AsSlice())
	}
	return ips, nil
}

// serverNames are the names that the serving certificate covers.
func (o *Options) serverNames() (dns []string, ips []net.IP, err error) {
	dns = []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + o.ClusterDomain}
	services, err := serviceIPs(o.ServiceCIDR)
	if err != nil {
		return nil, nil, err
	}
	ips = append(services, net.IPv4(127, 0, 0, 1), net.IPv6loopback)
	if o.AdvertiseAddress.IsValid() {
		ips = append(ips, o.AdvertiseAddress.AsSlice())
	}
	for _, listener := range append([]net.Listener{o.Listener}, o.Also...) {
		if address, ok := listener.Addr().(*net.TCPAddr); ok && !address.IP.IsUnspecified() {
			ips = append(ips, address.IP)
		}
	}
	for _, name := range o.Names {
		if ip := net.ParseIP(name); ip != nil {
			ips = append(ips, ip)
		} else {
			dns = append(dns, name)
		}
	}
	return dns, ips, nil
}
