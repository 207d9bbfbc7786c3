package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/network/dns"
	"github.com/orrery-dev/orrery/nodeagent"
	corev1 "k8s.io/api/core/v1"
)

// kubeletPort is where a node agent serves, unless it is taken.
const kubeletPort = 10250

var loopback = net.IPv4(127, 0, 0, 1)

func (m *machine) runNode(ctx context.Context, ready func(string)) error {
	address := m.address
	if !address.IsValid() {
		address = m.network.Gateway()
	}
	serving, err := m.serving(ctx, m.nodeName(), address.AsSlice(), kubeletPort)
	if err != nil {
		return err
	}
	return m.runAgent(ctx, ready, nodeagent.Options{
		PodCIDR: nodeRange(m.settings.Addresses.Pods).String(),
		NodeIP:  address.String(),
		Serving: serving,
	})
}

// runAgent runs the node agent of this machine. Where it is reached, and whose range its pods have, is among the options.
func (m *machine) runAgent(ctx context.Context, ready func(string), o nodeagent.Options) error {
	o.NodeName, o.CRIEndpoint, o.SeccompDefault = m.nodeName(), m.endpoint, m.seccompDefault
	o.RootDir, o.CgroupRoot, o.Protect = m.inst.Path("node"), cgroupRoot(m.inst), m.policies.Protect
	o.ClusterDNS, o.ClusterDomain, o.ResolvConf = m.clusterDNS, m.settings.Domain, dns.HostResolvConf()
	cluster, err := m.cluster(identity.Node(o.NodeName))
	if err != nil {
		return errors.Join(err, o.Serving.Listener.Close())
	}
	agent, err := wiring.NewAgent(ctx, cluster, o)
	if err != nil {
		return errors.Join(err, o.Serving.Listener.Close())
	}
	inspected.of("node")(agent.Inspector())
	return wiring.Run(ctx, agent, func() { ready(o.NodeName) })
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

// serving is the API of a node agent at an address. A port of 0, or one that is taken, becomes any that is free: the Node says
// which. Our own API server trusts its certificate, and is known by its own; on somebody else's cluster only clients with tokens are.
func (m *machine) serving(ctx context.Context, name string, ip net.IP, port int) (nodeagent.Serving, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", net.JoinHostPort(ip.String(), strconv.Itoa(port)))
	if err != nil && port != 0 {
		listener, err = listen.Listen(ctx, "tcp", net.JoinHostPort(ip.String(), "0"))
	}
	if err != nil {
		return nodeagent.Serving{}, fmt.Errorf("listening for the API of node agents: %w", err)
	}
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

// simulatedTaint is the key of the taint of simulated nodes beside one that runs containers.
const simulatedTaint = "orrery.dev/simulated"

// newSimulatedNodes makes simulated nodes, whose API is served as serving says.
func newSimulatedNodes(c wiring.Cluster, nodes int, serving nodeagent.Serving, taints ...corev1.Taint) (wiring.Part, error) {
	fleet, err := wiring.NewFleet(c, nodeagent.FleetOptions{
		Nodes: nodes, NamePrefix: "simulated-", Serving: serving, Taints: taints, OwnTaints: []string{simulatedTaint},
	})
	if err != nil {
		return nil, err
	}
	inspected.of("simulated nodes")(fleet.Inspector())
	return fleet, nil
}
