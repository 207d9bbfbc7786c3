package wiring

import (
	"context"
	"fmt"
	"net"

	configv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/internal/version"
	"github.com/orrery-dev/orrery/network/dns"
	"github.com/orrery-dev/orrery/network/ingress"
	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/loadbalancer/announcer"
	"github.com/orrery-dev/orrery/network/policy"
	"github.com/orrery-dev/orrery/network/proxy"
	"github.com/orrery-dev/orrery/network/routes"
	"github.com/orrery-dev/orrery/nodeagent"
	"github.com/orrery-dev/orrery/scheduler"
	"github.com/orrery-dev/orrery/webhooks"
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
	s, err := scheduler.New(scheduler.Options{Config: c.Config, Scheme: scheme, Configuration: configuration, Clock: c.Clock, Activity: c.Activity})
	return Scheduler{s}, err
}

// NewFleet makes simulated nodes. How they reach the cluster, what they log, and whom they tell what they do is filled in, and the clock
// where the cluster has one.
func NewFleet(c Cluster, o nodeagent.FleetOptions) (*nodeagent.Fleet, error) {
	o.Config, o.Naming, o.Log, o.Activity, o.KubeletVersion = c.Config, c.Naming, c.Log, c.Activity, version.Stated(nodeagent.Version)
	if c.Clock != nil {
		o.Clock = c.Clock
	}
	return nodeagent.NewFleet(o)
}

// NewAgent makes a node that runs containers. How it reaches the cluster, what it logs, and what a static pod may be, is filled in.
func NewAgent(ctx context.Context, c Cluster, o nodeagent.Options) (*nodeagent.Agent, error) {
	o.Config, o.Naming, o.Log, o.CompleteStaticPod = c.Config, c.Naming, c.Log, webhooks.CompleteStaticPod
	o.KubeletVersion = version.Stated(nodeagent.Version)
	return nodeagent.New(ctx, o)
}

// NewNetwork makes what programs this machine's network: the service proxy, the enforcer of network policies, for which pods may wait at
// a gate, and the announcer of load balancers' addresses. inspect is handed what shows their plans; nil shows them to nobody.
func NewNetwork(c Cluster, o proxy.Options, gate *policy.Gate, inspect func(engine.Inspector)) (*Manager, error) {
	mgr, err := NewManager(c, func(m *manager.Options) {
		m.Cache.ByObject = policy.Cached()
		m.Cache.ByObject[&ocorev1.Node{}] = cache.ByObject{Transform: announcer.Trim} // there may be thousands
	})
	if err != nil {
		return nil, err
	}
	p, err := proxy.New(o, mgr.GetClient())
	if err != nil {
		return nil, err
	}
	e, err := policy.New(policy.Options{Name: o.Name, NodeName: o.NodeName, Gate: gate, Families: ipfamily.Among(o.ServiceCIDRs...)}, mgr.GetClient())
	if err != nil {
		return nil, err
	}
	for _, part := range []interface {
		SetupWithManager(mgr manager.Manager) error
		Inspector() engine.Inspector
	}{p, e, announcer.New(announcer.Options{NodeName: o.NodeName}, mgr.GetClient())} {
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

// NewIngress makes what routes requests that come to two listeners, for HTTP and for HTTPS, as Ingresses want it. inspect is handed what
// shows its plans; nil shows them to nobody.
func NewIngress(c Cluster, o ingress.Options, plain, secure net.Listener, inspect func(engine.Inspector)) (*Manager, error) {
	mgr, err := NewManager(c, nil)
	if err != nil {
		return nil, err
	}
	i := ingress.New(o, mgr.GetClient(), mgr.GetAPIReader(), plain, secure)
	if err := i.SetupWithManager(mgr); err != nil {
		return nil, fmt.Errorf("adding Ingresses to their manager: %w", err)
	}
	if inspect != nil {
		inspect(i.Inspector())
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
	direct, err := Client(c)
	if err != nil {
		return err
	}
	return dns.Withdraw(ctx, direct, node)
}

// Client reads from the API server and writes to it, without a cache: for what is done once.
func Client(c Cluster) (client.Client, error) {
	scheme, err := Scheme(c.Naming)
	if err != nil {
		return nil, err
	}
	direct, err := client.New(c.Config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster at %s: %w", c.Config.Host, err)
	}
	return direct, nil
}
