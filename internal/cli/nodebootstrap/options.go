package nodebootstrap

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/clusterinfo"
	"k8s.io/apimachinery/pkg/util/validation"
	bootstraputil "k8s.io/cluster-bootstrap/token/util"
)

// defaultPort is that of the API server where none is named.
const defaultPort = 6443

// Options are what a person says of the cluster, and of the node that this machine is to be.
type Options struct {
	// Server is where the API server is reached, as HOST or HOST:PORT.
	Server string
	// Token is a bootstrap token of the cluster.
	Token string
	// Pins are hashes of the public keys of authorities; the cluster's has to be one of them. CA are certificates of authorities, in
	// PEM, that have to have signed the server's. One of them must be given.
	Pins []string
	CA   []byte
	// NodeName is what the node is called, and Address where others reach it, which is by default the address from which this
	// machine talks to the server.
	NodeName string
	Address  netip.Addr
	// Dir is the folder of the registration.
	Dir string
	// ControlPlane says that the machine is to become a member of the control plane (see [Discover]), and no node.
	ControlPlane bool

	// now is the time; nil means the real one. patience is how long the server may take for one answer, and for a certificate.
	now      func() time.Time
	patience time.Duration
}

// Check says what is wrong with the options. It never says the token.
func (o *Options) Check() error {
	if err := o.checkServer(); err != nil {
		return err
	}
	switch {
	case o.Token == "":
		return fmt.Errorf("--join needs --token: '%s', on a machine of the cluster, prints all of the command", o.makesToken())
	case !bootstraputil.IsValidBootstrapToken(o.Token):
		return errors.New("--token has not the form of a token: want 6 and then 16 lower-case letters and digits, with a full stop between them")
	case len(o.Pins) == 0 && len(o.CA) == 0:
		return fmt.Errorf("--join needs --ca-hash or --ca-file, by which this machine knows the cluster from another: '%s' prints the hash", o.makesToken())
	case len(o.CA) > 0 && !x509.NewCertPool().AppendCertsFromPEM(o.CA):
		return errors.New("--ca-file holds no certificate in PEM")
	case len(validation.IsDNS1123Subdomain(o.NodeName)) > 0:
		return fmt.Errorf("--node-name %q: want lower-case letters, digits, hyphens and full stops, as in node-2", o.NodeName)
	case o.Address.IsValid() && (!o.Address.Is4() || o.Address.IsUnspecified() || o.Address.IsLoopback() || o.Address.IsMulticast()):
		return fmt.Errorf("--node-ip %s: want an IPv4 address of this machine at which others reach it", o.Address)
	}
	for _, pin := range o.Pins {
		if err := clusterinfo.CheckPin(pin); err != nil {
			return fmt.Errorf("--ca-hash %w", err)
		}
	}
	return nil
}

// makesToken is the command that makes a token of the kind that is needed.
func (o *Options) makesToken() string {
	if o.ControlPlane {
		return "orrery token create --control-plane --print-join-command"
	}
	return "orrery token create --print-join-command"
}

func (o *Options) checkServer() error {
	host, port, err := splitServer(o.Server)
	number, wrong := strconv.Atoi(port)
	if err != nil || wrong != nil || number < 1 || number > 65535 || host == "" || strings.ContainsAny(host, "/@ ") {
		return fmt.Errorf("--join %q: want HOST or HOST:PORT, as in 192.0.2.1:6443", o.Server)
	}
	return nil
}

// splitServer is the host and the port of a server.
func splitServer(server string) (host, port string, err error) {
	if _, err := netip.ParseAddr(strings.Trim(server, "[]")); err == nil || !strings.Contains(server, ":") {
		return strings.Trim(server, "[]"), strconv.Itoa(defaultPort), nil
	}
	return net.SplitHostPort(server)
}

// HostPort is the server as HOST:PORT.
func HostPort(server string) string {
	host, port, err := splitServer(server)
	if err != nil {
		return server
	}
	return net.JoinHostPort(host, port)
}

func (o *Options) url() string { return "https://" + HostPort(o.Server) }

func (o *Options) clock() time.Time {
	if o.now != nil {
		return o.now()
	}
	return time.Now()
}

func (o *Options) wait() time.Duration {
	if o.patience > 0 {
		return o.patience
	}
	return 10 * time.Second
}
