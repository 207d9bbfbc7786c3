package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/webhooks"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	access          access
	leaderElect     bool
	leaderNamespace string
	metricsAddress  string
	probeAddress    string
	webhookCertDir  string
	webhookHost     string
	webhookPort     int
	clusterCIDR     string
	scheduler       bool
	nodes           int
	verbosity       int
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
			return traced(c.Context(), func() error { return o.run(c.Context(), config, naming) })
		},
	}
	flags := c.Flags()
	o.access.addFlags(flags)
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "run only while this process holds the lease, so that several can stand by")
	flags.StringVar(&o.leaderNamespace, "leader-elect-namespace", "", "`namespace` of the lease; by default that of the pod this runs in, or else kube-system")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", "0", "`address` of the metrics, as in :8443; 0 for none")
	flags.StringVar(&o.probeAddress, "health-probe-bind-address", "0", "`address` of /healthz and /readyz, as in :8081; 0 for none")
	flags.StringVar(&o.webhookCertDir, "webhook-cert-path", "", "`directory` with tls.crt and tls.key, to serve defaulting and validation as webhooks; empty for none")
	flags.StringVar(&o.webhookHost, "webhook-host", "", "`address` to serve webhooks at; empty for all")
	flags.IntVar(&o.webhookPort, "webhook-port", webhook.DefaultPort, "`port` to serve webhooks at")
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
	mgr, err := newManagerFor(config, naming, o.configure)
	if err != nil {
		return err
	}
	if err := errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("ping", healthz.Ping)); err != nil {
		return err
	}
	if o.webhookCertDir != "" {
		webhooks.AddTo(mgr)
		if err := mgr.AddReadyzCheck("webhooks", mgr.GetWebhookServer().StartedChecker()); err != nil {
			return err
		}
	}
	if err := o.addParts(mgr, config, naming); err != nil {
		return err
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("asking for the kinds of the cluster at %s: %w", config.Host, err)
	}
	if err := controllers.AddTo(mgr, controllers.Options{Discovery: kinds, ClusterCIDRs: []netip.Prefix{cidr}}); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// configure sets what the flags say about the manager itself.
func (o *managerOptions) configure(m *manager.Options) {
	m.LeaderElection = o.leaderElect
	m.LeaderElectionID = "controllers.orrery.dev"
	m.LeaderElectionNamespace = o.electionNamespace()
	m.LeaderElectionReleaseOnCancel = true
	m.Metrics = metricsserver.Options{BindAddress: o.metricsAddress}
	m.HealthProbeBindAddress = o.probeAddress
	if o.webhookCertDir != "" {
		m.WebhookServer = webhook.NewServer(webhook.Options{Host: o.webhookHost, Port: o.webhookPort, CertDir: o.webhookCertDir})
	}
}

// addParts adds what was asked for besides the controllers. Like them it runs only while this process holds the lease.
func (o *managerOptions) addParts(mgr manager.Manager, config *rest.Config, naming apis.Naming) error {
	var parts []manager.RunnableFunc
	if o.scheduler {
		parts = append(parts, func(ctx context.Context) error { return runScheduler(ctx, config, naming, nil, func() {}) })
	}
	if o.nodes > 0 {
		parts = append(parts, func(ctx context.Context) error {
			return runFleet(ctx, simulatedNodes(config, naming, o.nodes), func() {})
		})
	}
	for _, part := range parts {
		if err := mgr.Add(part); err != nil {
			return err
		}
	}
	return nil
}

// electionNamespace is where the lease is. Empty means the namespace of the pod that this runs in.
func (o *managerOptions) electionNamespace() string {
	if o.leaderNamespace != "" {
		return o.leaderNamespace
	}
	if _, err := os.Stat("/var/run/secrets/kubernetes.io/serviceaccount/namespace"); err == nil {
		return ""
	}
	return metav1.NamespaceSystem
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
