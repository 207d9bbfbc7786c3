package cli

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/network/dns"
	"github.com/orrery-dev/orrery/nodeagent"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	"k8s.io/utils/ptr"
)

// kubeletPort is where a node agent serves, unless it is taken.
const kubeletPort = 10250

func (m *machine) runNode(ctx context.Context, ready func(string)) error {
	address := m.nodeAddress()
	listener, err := m.listen(ctx, address)
	if err != nil {
		return err
	}
	serving, err := m.serving(listener, m.nodeName(), address.AsSlice())
	if err != nil {
		return err
	}
	return m.runAgent(ctx, ready, nodeagent.Options{
		PodCIDRs:    texts(nodeRanges(m.settings.Addresses)),
		NodeIPs:     texts(m.nodeAddresses()),
		Serving:     serving,
		Annotations: replacedWith(m.server != nil),
	})
}

// partOfAnnotation is on Nodes whose program is replaced together with that of the control plane on their machine.
const (
	partOfAnnotation   = "orrery.dev/part-of"
	partOfControlPlane = "control-plane"
)

// replacedWith are the annotations of a Node that is a part of a control plane, or none.
func replacedWith(controlPlane bool) map[string]string {
	if !controlPlane {
		return nil
	}
	return map[string]string{partOfAnnotation: partOfControlPlane}
}

// nodeAddresses are where this node is reached, in each family in which pods have addresses: by other machines, or by this one and its
// pods. One that others reach has an address of IPv6 only where its own link has one.
func (m *machine) nodeAddresses() []netip.Addr {
	all := []netip.Addr{m.nodeAddress()}
	switch {
	case !m.settings.Addresses.PodsIPv6.IsValid():
	case !m.address.IsValid():
		all = m.network.Gateways()
	default:
		if six := besides(m.address); six.IsValid() {
			all = append(all, six)
		}
	}
	return all
}

// besides is the address of IPv6 that others reach this machine at, on the link of one of IPv4; not valid if there is none.
func besides(four netip.Addr) netip.Addr {
	links, err := net.Interfaces()
	if err != nil {
		return netip.Addr{}
	}
	for _, link := range links {
		var six netip.Addr
		found := false
		addresses, err := link.Addrs()
		if err != nil {
			continue // it is gone
		}
		for _, address := range addresses {
			prefix, err := netip.ParsePrefix(address.String())
			switch {
			case err != nil:
			case prefix.Addr() == four:
				found = true
			case prefix.Addr().Is6() && prefix.Addr().IsGlobalUnicast() && !six.IsValid():
				six = prefix.Addr()
			}
		}
		if found {
			return six
		}
	}
	return netip.Addr{}
}

// texts are some addresses or ranges as they are written.
func texts[T fmt.Stringer](all []T) []string {
	written := make([]string, len(all))
	for i, one := range all {
		written[i] = one.String()
	}
	return written
}

// runAgent runs the node agent of this machine. Where it is reached, and whose range its pods have, is among the options.
func (m *machine) runAgent(ctx context.Context, ready func(string), o nodeagent.Options) error {
	o.NodeName, o.CRIEndpoint, o.Labels, o.Flags, o.TrustCustomPods = m.nodeName(), m.endpoint, m.node.Labels, m.flags, m.trustCustomPods
	o.RootDir, o.CgroupRoot, o.Protect = m.inst.Path("node"), cgroupRoot(m.inst), m.policies.Protect
	o.Configuration = m.configuration(o.Serving.Listener)
	cluster, err := m.cluster(identity.Node(o.NodeName))
	if err != nil {
		return errors.Join(err, o.Serving.Listener.Close())
	}
	agent, err := wiring.NewAgent(ctx, cluster, o)
	if err != nil {
		return errors.Join(err, o.Serving.Listener.Close())
	}
	for _, loop := range agent.Inspectors() {
		inspected.of("node")(loop)
	}
	return wiring.Run(ctx, agent, func() { ready(o.NodeName) })
}

// configuration is that of the node, with what the instance says of where nothing else does.
func (m *machine) configuration(listener net.Listener) *kubeletconfigv1beta1.KubeletConfiguration {
	c := m.node.Configuration.DeepCopy()
	if len(c.ClusterDNS) == 0 {
		c.ClusterDNS = m.clusterDNS
	}
	c.ClusterDomain = cmp.Or(c.ClusterDomain, m.settings.Domain)
	if c.ResolverConfig == nil {
		c.ResolverConfig = ptr.To(dns.HostResolvConf())
	}
	if m.sharedDisk {
		sharedDisk(c)
	}
	if at, ok := listener.Addr().(*net.TCPAddr); ok {
		c.Address, c.Port = at.IP.String(), int32(at.Port)
	}
	return c
}

// nodeName is what the node on this machine is called: as the machine, unless it was registered by another name.
func (m *machine) nodeName() string {
	if m.name != "" {
		return m.name
	}
	name, err := os.Hostname()
	if err != nil || name == "" {
		return m.inst.Name
	}
	return strings.ToLower(name)
}

// listen listens for the API of the node agent, whose address is given, where its configuration says.
func (m *machine) listen(ctx context.Context, address netip.Addr) (net.Listener, error) {
	c := m.node.Configuration
	if c.Address != "" {
		var err error
		if address, err = netip.ParseAddr(c.Address); err != nil {
			return nil, fmt.Errorf("reading the address of the node's configuration: %w", err)
		}
	}
	listener, err := listenAt(ctx, address, int(cmp.Or(c.Port, kubeletPort)))
	if err != nil && c.Port == 0 { // another node agent may have the usual one; the Node says which it is
		listener, err = listenAt(ctx, address, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("listening for the API of the node agent: %w", err)
	}
	return listener, nil
}

// serving is the API of the node agent at an address. Our own API server trusts its certificate, and is known by its own; on somebody
// else's cluster only clients with tokens are.
func (m *machine) serving(listener net.Listener, name string, ip net.IP) (nodeagent.Serving, error) {
	if m.server == nil {
		return nodeagent.Serving{Listener: listener}, nil
	}
	certificate, err := m.server.ServingCertificate("system:node:"+name, []string{name}, []net.IP{ip})
	if err != nil {
		return nodeagent.Serving{}, errors.Join(err, listener.Close())
	}
	authority := x509.NewCertPool()
	authority.AppendCertsFromPEM(m.server.CA())
	return nodeagent.Serving{Listener: listener, Certificate: &certificate, ClientCAs: authority}, nil
}

const (
	// simulatedTaint is the key of the taint of simulated nodes beside one that runs containers, and of a label that all of them have.
	simulatedTaint = "orrery.dev/simulated"
	// simulatedPrefix begins the names of simulated nodes.
	simulatedPrefix = "simulated-"
)

// newSimulatedNodes makes simulated nodes; their names and what they have in common are filled in.
func newSimulatedNodes(c wiring.Cluster, o nodeagent.FleetOptions) (wiring.Part, error) {
	o.NamePrefix, o.OwnTaints = simulatedPrefix, []string{simulatedTaint}
	o.Labels = maps.Clone(o.Labels)
	if o.Labels == nil {
		o.Labels = map[string]string{}
	}
	o.Labels[simulatedTaint] = "true"
	fleet, err := wiring.NewFleet(c, o)
	if err != nil {
		return nil, err
	}
	inspected.of("simulated nodes")(fleet.Inspector())
	return fleet, nil
}
