package wiring

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	cloudprovider "k8s.io/cloud-provider"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/controllers/autoscaling/horizontalpodautoscaler"
	"github.com/orrery-dev/orrery/controllers/core/nodelifecycle"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
)

// Loops are what the control loops of a cluster are told by who runs them. What they have to know besides follows from the
// cluster.
type Loops struct {
	// Selection turns loops on and off by their names; the zero value runs those that are on by default. A loop that it names and
	// that cannot be run here is an error.
	Selection Selection
	// Cluster adds the loops of what every cluster has, which a cluster that somebody else runs has its own for.
	// See controllers.ClusterKinds. Those that sign run only where Cluster has the key: see controllers.ClusterKeys and
	// controllers.ClusterAuthority.
	Cluster bool
	// RootCA are the certificates, in PEM, by which Pods know the API server. Empty means those by which Cluster.Config
	// knows it.
	RootCA []byte
	// SigningDuration is how long a certificate is good for at most that is signed on request; 0 means a year.
	SigningDuration time.Duration
	// ClusterCIDRs are the ranges that nodes get their pods' addresses from: one, or one per IP family; none means that nodes get
	// none.
	ClusterCIDRs []netip.Prefix
	// ServiceCIDRs are ranges that are given to no node: those of services, or of somebody else.
	ServiceCIDRs []netip.Prefix
	// NodeCIDRMaskSizeIPv4 and NodeCIDRMaskSizeIPv6 are the lengths of the prefix that a node gets; 0 means 24 and 64.
	NodeCIDRMaskSizeIPv4, NodeCIDRMaskSizeIPv6 int
	// NodeLifecycle are the times that nodes are given. The zero value has Kubernetes' own.
	NodeLifecycle nodelifecycle.Options
	// Autoscaling are the figures by which HorizontalPodAutoscalers are decided for; 0 means Kubernetes' own. The metrics APIs are filled in.
	Autoscaling horizontalpodautoscaler.Options
	// Balancer makes load balancers for Services, given what reads those; nil means that nobody here does. It is one of
	// loadbalancer.Balancer, or of a cloud.
	Balancer func(services client.Reader) cloudprovider.LoadBalancer
}

// selected are the loops that are to run, of those that can.
func (c Cluster) selected(o Loops, can func(controllers.Entry) bool) ([]controllers.Entry, error) {
	entries, err := c.loops(o)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e controllers.Entry) bool { return !can(e) })
	if err := checkSelection(o.Selection, entries); err != nil {
		return nil, err
	}
	return o.Selection.Of(entries), nil
}

// signs says whether there is somebody who signs, where a loop takes that.
func (c Cluster) signs(e controllers.Entry) bool {
	switch e.Scope {
	case controllers.ClusterKeys:
		return c.SignToken != nil
	case controllers.ClusterAuthority:
		return c.SignCertificate != nil
	default:
		return true
	}
}

// served are those of some loops whose kinds the cluster has. The log tells of the others.
func (c Cluster) served(scheme *runtime.Scheme, loops []controllers.Entry) ([]controllers.Entry, error) {
	kinds, err := c.discovery()
	if err != nil {
		return nil, err
	}
	here, missing, err := served(kinds, scheme, loops)
	for _, e := range missing {
		c.Log.Info("Not running a loop: the cluster does not serve the kind that it is about", "loop", e.Loop.Name())
	}
	return here, err
}

// loops are the control loops of a cluster, ready to be asked for their plans.
func (c Cluster) loops(o Loops) ([]controllers.Entry, error) {
	kinds, err := c.discovery()
	if err != nil {
		return nil, err
	}
	options := controllers.Options{
		Discovery:       kinds,
		Schemas:         kinds,
		RootCA:          o.RootCA,
		SignToken:       c.SignToken,
		SignCertificate: c.SignCertificate,
		SigningDuration: o.SigningDuration,
		ClusterCIDRs:    o.ClusterCIDRs,
		ServiceCIDRs:    o.ServiceCIDRs,
		NodeLifecycle:   o.NodeLifecycle,
		Balancer:        o.Balancer,

		NodeCIDRMaskSizeIPv4: o.NodeCIDRMaskSizeIPv4,
		NodeCIDRMaskSizeIPv6: o.NodeCIDRMaskSizeIPv6,
	}
	if err := options.NodeIPAM().Check(); err != nil {
		return nil, fmt.Errorf("giving nodes their ranges: %w", err)
	}
	if len(options.RootCA) == 0 {
		if options.RootCA, err = c.rootCA(); err != nil {
			return nil, err
		}
	}
	if c.Own {
		options.Canonical = apis.Kubernetes.GroupKind
	}
	if c.Own && !c.Several {
		options.NamespaceDeletionGracePeriod = time.Second // nobody else can have admitted something in ignorance of the deletion
	}
	clients, err := c.Metrics()
	if err != nil {
		return nil, err
	}
	options.Autoscaling = o.Autoscaling
	options.Autoscaling.Resource, options.Autoscaling.Custom, options.Autoscaling.External = clients.Resource, clients.Custom, clients.External
	all := controllers.All(options)
	if !o.Cluster {
		return controllers.Within(controllers.OurKinds, all), nil
	}
	return all, nil
}

// rootCA are the certificates by which the cluster is known to whom it was given to.
func (c Cluster) rootCA() ([]byte, error) {
	if len(c.Config.CAData) > 0 || c.Config.CAFile == "" {
		return c.Config.CAData, nil
	}
	data, err := os.ReadFile(c.Config.CAFile)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate authority of the cluster at %s: %w", c.Config.Host, err)
	}
	return data, nil
}

// ControllersOptions are how the controllers run.
type ControllersOptions struct {
	Loops
	// Election has them run only while this process leads; nil runs them at once.
	Election *Election
	// Configure changes the options of the manager: metrics, probes. Nil leaves all of it out.
	Configure func(*manager.Options)
	// Clock is the time that plans see; nil means that of the cluster.
	Clock clock.WithTickerAndDelayedExecution
	// Inspect is handed what shows the next and the last plans of each loop; nil shows them to nobody.
	Inspect func(engine.Inspector)
	// Webhooks serves defaults, validation and PodSecurity of our kinds; nil serves none.
	Webhooks *Webhooks
	// Namespaces confines the loops; none means all. Those that have to see what is in no namespace are left out, and refused where
	// they are named. It goes with neither Loops.Cluster nor Webhooks, which are for all namespaces.
	Namespaces Namespaces
	// DryRun has the loops plan and do nothing: no request that would write is sent, whoever asks for one. It goes with neither
	// Election nor Webhooks, which write too.
	DryRun bool
}

// configure changes the options of a manager. It returns the lease of the election that there is, to be opened by the manager.
func (o ControllersOptions) configure(m *manager.Options) (l *lease) {
	if o.Election != nil {
		l = o.Election.configure(m)
	}
	o.Namespaces.configure(m)
	if o.Configure != nil {
		o.Configure(m)
	}
	if o.Webhooks != nil {
		o.Webhooks.configure(m)
	}
	return l
}

// clock is the time that plans see; nil is the real one.
func (o ControllersOptions) clock(c Cluster) clock.WithTickerAndDelayedExecution {
	switch {
	case o.Clock != nil:
		return o.Clock
	case c.Clock != nil:
		return c.Clock
	default:
		return nil
	}
}

// NewControllers makes a manager with the control loops of a cluster.
func NewControllers(c Cluster, o ControllersOptions) (*Manager, error) {
	if o.Election != nil {
		if err := o.Election.check(); err != nil {
			return nil, err
		}
	}
	if len(o.Namespaces) > 0 && (o.Cluster || o.Webhooks != nil) {
		return nil, errors.New("the loops of what every cluster has, and webhooks, are for all namespaces: they cannot be confined to some")
	}
	if o.DryRun {
		if o.Election != nil || o.Webhooks != nil {
			return nil, errors.New("a dry run writes nothing: it can neither hold a lease nor serve webhooks")
		}
		c.Config, c.ConfigOf = readOnly(c.Config), nil
	}
	var elects *lease
	mgr, err := NewManager(c, func(m *manager.Options) { elects = o.configure(m) })
	if err != nil {
		return nil, err
	}
	if elects != nil {
		if err := elects.open(mgr); err != nil {
			return nil, err
		}
		mgr.standsBy = elects.standsBy
	}
	loops, err := c.selected(o.Loops, c.signs)
	if err != nil {
		return nil, err
	}
	if loops, err = c.served(mgr.GetScheme(), loops); err != nil {
		return nil, err
	}
	if loops, err = o.Namespaces.within(mgr, o.Selection, loops); err != nil {
		return nil, err
	}
	mgr.loops, mgr.started = len(loops), make(chan struct{}, len(loops)+1)
	options := loop.Options{Clock: o.clock(c), Activity: c.Activity, Inspect: o.Inspect, DryRun: o.DryRun, Started: func() { mgr.started <- struct{}{} }}
	if o.Webhooks != nil {
		more, err := o.Webhooks.addTo(mgr, options)
		if err != nil {
			return nil, err
		}
		mgr.loops += more
	}
	if c.ConfigOf != nil {
		identities := newIdentities(c.ConfigOf, c.Activity)
		options.As, mgr.stop = identities.as, identities.stop
	}
	if err := controllers.AddTo(mgr, options, loops); err != nil {
		return nil, err
	}
	return mgr, nil
}
