package nodebootstrap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/clusterinfo"
	"github.com/orrery-dev/orrery/internal/cli/registration"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Joined is a machine that the cluster has let in. Nothing of it is written yet.
type Joined struct {
	// Registration is who the node is.
	Registration registration.Registration
	// Networking are the cluster's addresses.
	Networking clusterinfo.Networking

	dir              string
	certificate, key []byte
}

// Join makes this machine a node, up to the point where it is written down.
func Join(ctx context.Context, o Options) (*Joined, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	ca, err := o.discover(ctx)
	if err != nil {
		return nil, err
	}
	api, err := o.byToken(ca)
	if err != nil {
		return nil, err
	}
	if err := o.checkName(ctx, api); err != nil {
		return nil, err
	}
	config, err := o.nodeConfig(ctx, api)
	if err != nil {
		return nil, err
	}
	if err := checkRanges(config.Networking); err != nil {
		return nil, err
	}
	if o.Address, err = o.address(); err != nil {
		return nil, err
	}
	j := &Joined{Networking: config.Networking, dir: o.Dir}
	if j.certificate, j.key, err = o.clientCertificate(ctx, api); err != nil {
		return nil, err
	}
	j.Registration, err = o.registration(ca, config)
	return j, err
}

// byToken is the API server to who has the token.
func (o *Options) byToken(ca []byte) (kubernetes.Interface, error) {
	config := &rest.Config{
		Host: o.url(), BearerToken: o.Token, QPS: -1, UserAgent: rest.DefaultKubernetesUserAgent(),
		TLSClientConfig: rest.TLSClientConfig{CAData: ca},
	}
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client for %s: %w", o.Server, err)
	}
	return api, nil
}

// checkName says that a Node has the name already.
func (o *Options) checkName(ctx context.Context, api kubernetes.Interface) error {
	ctx, cancel := context.WithTimeout(ctx, o.wait())
	defer cancel()
	_, err := api.CoreV1().Nodes().Get(ctx, o.NodeName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err == nil:
		return fmt.Errorf("the cluster has a node %s already: give this one another name with --node-name, or, if that node is no more, delete it first with 'orrery kubectl delete node %s'",
			o.NodeName, o.NodeName)
	default:
		return o.notLetIn("finding out whether there is a node "+o.NodeName, err)
	}
}

func (o *Options) nodeConfig(ctx context.Context, api kubernetes.Interface) (clusterinfo.NodeConfig, error) {
	ctx, cancel := context.WithTimeout(ctx, o.wait())
	defer cancel()
	published, err := api.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, identity.NodeConfig, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return clusterinfo.NodeConfig{}, fmt.Errorf("the cluster at %s is none of orrery's: it has no ConfigMap %s/%s, which tells its nodes what they have to know", o.Server, metav1.NamespaceSystem, identity.NodeConfig)
	}
	if err != nil {
		return clusterinfo.NodeConfig{}, o.notLetIn("reading what nodes have to know", err)
	}
	return clusterinfo.NodeConfigOf(published)
}

// address is where others reach the node: from where it talks to the server, unless somebody said otherwise.
func (o *Options) address() (netip.Addr, error) {
	if o.Address.IsValid() {
		return o.Address, nil
	}
	connection, err := net.Dial("udp4", HostPort(o.Server)) // nothing is sent
	if err != nil {
		return netip.Addr{}, fmt.Errorf("finding the address of this machine on the way to %s (%w): name it with --node-ip", o.Server, err)
	}
	defer func() { _ = connection.Close() }() // nothing was sent
	local := connection.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
	if local.IsLoopback() {
		return netip.Addr{}, errors.New("the API server is on this machine, at a loopback address, where no other node would reach this one: name its address with --node-ip")
	}
	return local, nil
}

// certificatePatience is how long it may take until a certificate has been approved and signed.
const certificatePatience = time.Minute
