package wiring

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/controllers/autoscaling/horizontalpodautoscaler"
	"github.com/orrery-dev/orrery/controllers/core/nodelifecycle"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/webhooks"
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
	// Configure changes the options of the manager: metrics, probes, webhook server. Nil leaves all
	// of it out.
	Configure func(*manager.Options)
	// Clock is the time that plans see; nil means the real one.
	Clock clock.WithTicker
	// Inspect is handed what shows the next and the last plans of each loop; nil shows them to nobody.
	Inspect func(engine.Inspector)
	// Webhooks serves defaults and validation of our kinds by the manager's webhook server.
	Webhooks bool
}

// configure changes the options of a manager. It returns the lease of the election that there is, to be opened by the manager.
func (o ControllersOptions) configure(m *manager.Options) (l *lease) {
	if o.Election != nil {
		l = o.Election.configure(m)
	}
	if o.Configure != nil {
		o.Configure(m)
	}
	return l
}

// NewControllers makes a manager with the control loops of a cluster.
func NewControllers(c Cluster, o ControllersOptions) (*Manager, error) {
	if o.Election != nil {
		if err := o.Election.check(); err != nil {
			return nil, err
		}
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
	if o.Webhooks {
		webhooks.AddTo(mgr)
	}
	loops, err := c.selected(o.Loops, c.signs)
	if err != nil {
		return nil, err
	}
	if loops, err = c.served(mgr.GetScheme(), loops); err != nil {
		return nil, err
	}
	mgr.loops, mgr.started = len(loops), make(chan struct{}, len(loops))
	options := loop.Options{Clock: o.Clock, Inspect: o.Inspect, Started: func() { mgr.started <- struct{}{} }}
	if c.ConfigOf != nil {
		identities := newIdentities(c.ConfigOf)
		options.As, mgr.stop = identities.as, identities.stop
	}
	if err := controllers.AddTo(mgr, options, loops); err != nil {
		return nil, err
	}
	return mgr, nil
}
