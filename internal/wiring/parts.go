package wiring

import (
	"context"
	"fmt"

	configv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/dns"
	"github.com/orrery-dev/orrery/network/policy"
	"github.com/orrery-dev/orrery/network/proxy"
	"github.com/orrery-dev/orrery/network/routes"
	"github.com/orrery-dev/orrery/nodeagent"
	"github.com/orrery-dev/orrery/scheduler"
)

// Scheduler is the scheduler as a part.
type Scheduler struct{ *scheduler.Scheduler }

// Ready implements Part: from the moment that it runs, no pod is missed.
func (Scheduler) Ready() <-chan struct{} {
	now := make(chan struct{})
	close(now)
	return now
}

// NewScheduler makes the scheduler of a cluster. A nil configuration means all defaults, without leader election.
func NewScheduler(c Cluster, configuration *configv1.KubeSchedulerConfiguration) (Scheduler, error) {
	scheme, err := Scheme(c.Naming)
	if err != nil {
		return Scheduler{}, err
	}
	s, err := scheduler.New(scheduler.Options{Config: c.Config, Scheme: scheme, Configuration: configuration})
	return Scheduler{s}, err
}

// NewFleet makes simulated nodes. How they reach the cluster, and what they log, is filled in.
func NewFleet(c Cluster, o nodeagent.FleetOptions) (*nodeagent.Fleet, error) {
	o.Config, o.Naming, o.Log = c.Config, c.Naming, c.Log
	return nodeagent.NewFleet(o)
}

// NewAgent makes a node that runs containers. How it reaches the cluster, and what it logs, is filled in.
func NewAgent(ctx context.Context, c Cluster, o nodeagent.Options) (*nodeagent.Agent, error) {
	o.Config, o.Naming, o.Log = c.Config, c.Naming, c.Log
	return nodeagent.New(ctx, o)
}

// NewNetwork makes what programs this machine's network: the service proxy, and the enforcer of network policies, for which pods may
// wait at a gate. inspect is handed what shows their plans; nil shows them to nobody.
func NewNetwork(c Cluster, o proxy.Options, gate *policy.Gate, inspect func(engine.Inspector)) (*Manager, error) {
	mgr, err := NewManager(c, func(m *manager.Options) { m.Cache.ByObject = policy.Cached() })
	if err != nil {
		return nil, err
	}
	p, err := proxy.New(o, mgr.GetClient())
	if err != nil {
		return nil, err
	}
	e, err := policy.New(policy.Options{Name: o.Name, NodeName: o.NodeName, Gate: gate}, mgr.GetClient())
	if err != nil {
		return nil, err
	}
	for _, part := range []interface {
		SetupWithManager(mgr manager.Manager) error
		Inspector() engine.Inspector
	}{p, e} {
		if err := part.SetupWithManager(mgr); err != nil {
			return nil, fmt.Errorf("adding the network's loops to their manager: %w", err)
		}
		if inspect != nil {
			inspect(part.Inspector())
		}
	}
	return mgr, nil
}

// NewRoutes makes what keeps this machine's routes to the pods of other nodes. inspect is handed what shows its plans; nil shows them
// to nobody.
func NewRoutes(c Cluster, o routes.Options, inspect func(engine.Inspector)) (*Manager, error) {
	mgr, err := NewManager(c, func(options *manager.Options) {
		options.Cache.ByObject = map[client.Object]cache.ByObject{&ocorev1.Node{}: {Transform: routes.Trim}} // there may be thousands
	})
	if err != nil {
		return nil, err
	}
	r := routes.New(o, mgr.GetClient())
	if err := r.SetupWithManager(mgr); err != nil {
		return nil, fmt.Errorf("adding the routes to their manager: %w", err)
	}
	if inspect != nil {
		inspect(r.Inspector())
	}
	return mgr, nil
}

// DNS is a DNS server as a part: it is of use when it answers.
type DNS struct {
	*Manager
	*dns.DNS
}

// Ready implements Part.
func (d DNS) Ready() <-chan struct{} { return d.DNS.Ready() }

// NewDNS makes the DNS server of this machine. How it reaches the cluster is filled in. inspect is handed what shows its plans; nil
// shows them to nobody.
func NewDNS(c Cluster, o dns.Options, inspect func(engine.Inspector)) (DNS, error) {
	o.Config = unwarned(c.Config)
	mgr, err := NewManager(c, func(options *manager.Options) { options.Cache.ByObject = dns.Cache() })
	if err != nil {
		return DNS{}, err
	}
	server, err := dns.New(o, mgr)
	if err != nil {
		return DNS{}, err
	}
	if inspect != nil {
		inspect(server.Inspector())
	}
	return DNS{mgr, server}, nil
}

// WithdrawDNS takes the endpoint of a node away where no DNS is to run any more.
func WithdrawDNS(ctx context.Context, c Cluster, node string) error {
	scheme, err := Scheme(c.Naming)
	if err != nil {
		return err
	}
	reach, err := client.New(c.Config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("reaching the cluster at %s: %w", c.Config.Host, err)
	}
	return dns.Withdraw(ctx, reach, node)
}
