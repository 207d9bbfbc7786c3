package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/webhooks"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
)

// managerOptions are how the controllers run on a cluster.
type managerOptions struct {
	access         access
	leaderElect    bool
	metricsAddress string
	probeAddress   string
	webhookCertDir string
	clusterCIDR    string
	scheduler      bool
	nodes          int
	verbosity      int
}

func newManager() *cobra.Command {
	o := managerOptions{}
	c := &cobra.Command{
		Use:   "manager",
		Short: "Run the controllers on any cluster",
		Long: `Run the controllers on the cluster of the kubeconfig, until interrupted.

On a cluster that somebody else operates they act on the custom resources that
'make install' installs (deployments.apps.orrery.dev and so on), and leave the
cluster's own kinds alone. With --scheduler and --simulated-nodes the process is
a whole control plane for them.`,
		Example: `  orrery manager
  orrery manager --scheduler --simulated-nodes 3
  orrery manager --leader-elect --metrics-bind-address :8443`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			setUpLogging(o.verbosity)
			config, naming, err := o.access.config(nil)
			if err != nil {
				return err
			}
			return o.run(c.Context(), config, naming)
		},
	}
	flags := c.Flags()
	o.access.addFlags(flags)
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "run only while this process holds the lease, so that several can stand by")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", "0", "`address` of the metrics, as in :8443; 0 for none")
	flags.StringVar(&o.probeAddress, "health-probe-bind-address", "0", "`address` of /healthz and /readyz, as in :8081; 0 for none")
	flags.StringVar(&o.webhookCertDir, "webhook-cert-path", "", "`directory` with tls.crt and tls.key, to serve defaulting and validation as webhooks; empty for none")
	flags.StringVar(&o.clusterCIDR, "cluster-cidr", "10.244.0.0/16", "`range` that nodes get their pod addresses from")
	flags.BoolVar(&o.scheduler, "scheduler", false, "run the scheduler too")
	flags.IntVar(&o.nodes, "simulated-nodes", 0, "`number` of simulated nodes to run too")
	flags.IntVarP(&o.verbosity, "v", "v", 0, "how much the log says, from 0 to 10")
	return c
}

func (o *managerOptions) run(ctx context.Context, config *rest.Config, naming apis.Naming) error {
	cidr, err := netip.ParsePrefix(o.clusterCIDR)
	if err != nil {
		return fmt.Errorf("--cluster-cidr %q is not a range of addresses such as 10.244.0.0/16: %w", o.clusterCIDR, err)
	}
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return o.runControllers(ctx, config, naming, cidr) })
	if o.scheduler {
		parts.Go(func() error { return runScheduler(ctx, config, naming, nil, func() {}) })
	}
	if o.nodes > 0 {
		parts.Go(func() error { return runFleet(ctx, simulatedNodes(config, naming, o.nodes), func() {}) })
	}
	if err := parts.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (o *managerOptions) runControllers(ctx context.Context, config *rest.Config, naming apis.Naming, cidr netip.Prefix) error {
	mgr, err := newManagerFor(config, naming, func(m *manager.Options) {
		m.LeaderElection = o.leaderElect
		m.LeaderElectionID = "controllers.orrery.dev"
		m.LeaderElectionReleaseOnCancel = true
		m.Metrics = metricsserver.Options{BindAddress: o.metricsAddress}
		m.HealthProbeBindAddress = o.probeAddress
		if o.webhookCertDir != "" {
			m.WebhookServer = webhook.NewServer(webhook.Options{CertDir: o.webhookCertDir})
		}
	})
	if err != nil {
		return err
	}
	if o.webhookCertDir != "" {
		webhooks.AddTo(mgr)
	}
	if err := errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("ping", healthz.Ping)); err != nil {
		return err
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("asking for the kinds of the cluster at %s: %w", config.Host, err)
	}
	if err := controllers.AddTo(mgr, controllers.Options{Discovery: kinds}); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// newManagerFor is a manager of our kinds under a naming, without servers unless options adds them.
func newManagerFor(c *rest.Config, naming apis.Naming, options func(*manager.Options)) (manager.Manager, error) {
	scheme, err := newScheme(naming)
	if err != nil {
		return nil, err
	}
	o := manager.Options{
		Scheme:                 scheme,
		Logger:                 logger(),
		Metrics:                metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
		Controller:             config.Controller{SkipNameValidation: new(true)},
	}
	options(&o)
	mgr, err := ctrl.NewManager(c, o)
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster at %s: %w", c.Host, err)
	}
	return mgr, nil
}
