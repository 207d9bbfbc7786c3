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

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/nodeagent"
	"k8s.io/client-go/rest"
)

// kubeletPort is where a node agent serves, unless it is taken.
const kubeletPort = 10250

var loopback = net.IPv4(127, 0, 0, 1)

func (m *machine) runNode(ctx context.Context, ready func(string)) error {
	name := m.nodeName()
	config, err := m.as(identity.Node(name))
	if err != nil {
		return err
	}
	gateway := m.network.Gateway()
	serving, err := m.serving(ctx, name, gateway.AsSlice(), kubeletPort)
	if err != nil {
		return err
	}
	agent, err := nodeagent.New(ctx, nodeagent.Options{
		NodeName:    name,
		Config:      config,
		Naming:      m.naming,
		CRIEndpoint: m.endpoint,
		RootDir:     m.inst.Path("node"),
		PodCIDR:     nodeRange(m.settings.Addresses.Pods).String(),
		NodeIP:      gateway.String(),
		CgroupRoot:  cgroupRoot(m.inst),
		Serving:     serving,
		Log:         logger(),
	})
	if err != nil {
		return errors.Join(err, serving.Listener.Close())
	}
	return runUntilReady(ctx, agent, func() { ready(name) })
}

// nodeName is what the node on this machine is called: as the machine.
func (m *machine) nodeName() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return m.inst.Name
	}
	return strings.ToLower(name)
}

// serving is the API of a node agent at an address. A port of 0, or one that is taken, becomes any that is free: the Node says
// which. Our own API server trusts its certificate, and is let in; on somebody else's cluster nobody is.
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

// simulatedNodes are the options of simulated nodes.
func simulatedNodes(config *rest.Config, naming apis.Naming, nodes int) nodeagent.FleetOptions {
	return nodeagent.FleetOptions{Nodes: nodes, NamePrefix: "simulated-", Config: config, Naming: naming, Log: logger()}
}

func runFleet(ctx context.Context, options nodeagent.FleetOptions, ready func()) error {
	fleet, err := nodeagent.NewFleet(options)
	if err != nil {
		return err
	}
	return runUntilReady(ctx, fleet, ready)
}

// agent is what runs nodes.
type agent interface {
	Run(ctx context.Context) error
	Ready() <-chan struct{}
}

// runUntilReady runs an agent, and calls ready once its nodes are registered.
func runUntilReady(ctx context.Context, agent agent, ready func()) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-agent.Ready():
			ready()
		case <-running.Done():
		}
	}()
	return agent.Run(running)
}
