package cli

import (
	"context"
	"errors"
	"io"

	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/nodeagent"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// managerOptions are how the controllers run on a cluster.
type managerOptions struct {
	access       access
	election     electionFlags
	metrics      metricsFlags
	probeAddress string
	webhooks     webhookFlags
	loops        loopFlags
	signing      signingFlags
	scheduler    bool
	nodes        int
	namespaces   []string
	dryRun       bool
	verbosity    int
}

func newManager() *cobra.Command {
	o := managerOptions{}
	c := &cobra.Command{
		Use:   "manager",
		Short: "Run the controllers on any cluster",
		Long: `Run the controllers on the cluster of the kubeconfig, until interrupted.

On a cluster that somebody else operates they act on the custom resources that
'make install' installs (deployments.apps.orrery.dev and so on), and leave the
cluster's own kinds alone: config/rbac/role.yaml is all that they need. With
--scheduler and --simulated-nodes the process is a whole control plane for them.

What every cluster has, such as garbage collection and namespaces that go away, is
the work of its kube-controller-manager. On a bare API server, which has none,
--cluster-loops does it. That needs more rights, which the component
config/cluster-loops grants. It signs requested certificates where
--cluster-signing-cert-file names an authority, and says so where none does.

With --namespaces they see and change nothing outside of these namespaces, and need no
rights there: bind the ClusterRole by a RoleBinding in each. Controllers that have to
see what is in no namespace, as nodes and volumes, are left out then.

With --dry-run nothing is written: what each controller would do next is printed, with
the reasons, as 'orrery plan' does for one object. Nothing follows from it: what would
be done about objects that are not made stays unsaid.`,
		Example: `  orrery manager
  orrery manager --scheduler --simulated-nodes 3
  orrery manager --cluster-loops --kubeconfig bare.kubeconfig
  orrery manager --cluster-loops --cluster-signing-cert-file ca.crt --cluster-signing-key-file ca.key
  orrery manager --controllers=*,-nodeipam
  orrery manager --namespaces shop,blog
  orrery manager --dry-run --controllers deployment,replicaset
  orrery manager --webhook-cert-secret orrery-system/orrery-webhook-certificate
  orrery manager --leader-elect --metrics-bind-address :8443`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			setUpLogging(o.verbosity)
			cluster, err := o.access.cluster(nil)
			if err != nil {
				return err
			}
			return traced(c.Context(), func() error { return o.run(c.Context(), cluster, c.OutOrStdout()) })
		},
	}
	flags := c.Flags()
	o.access.addFlags(flags)
	o.election.addFlags(flags)
	o.metrics.addFlags(flags)
	flags.StringVar(&o.probeAddress, "health-probe-bind-address", "0", "`address` of /healthz and /readyz, as in :8081; 0 for none")
	o.webhooks.addFlags(flags)
	o.loops.addFlags(flags)
	o.signing.addFlags(flags)
	flags.StringSliceVar(&o.namespaces, "namespaces", nil, "`namespaces` that the controllers are confined to, as in shop,blog; by default all")
	flags.BoolVar(&o.dryRun, "dry-run", false, "print what the controllers would do, and write nothing")
	flags.BoolVar(&o.scheduler, "scheduler", false, "run the scheduler too")
	flags.IntVar(&o.nodes, "simulated-nodes", 0, "`number` of simulated nodes to run too")
	flags.IntVarP(&o.verbosity, "v", "v", 0, "how much the log says, from 0 to 10")
	return c
}

func (o *managerOptions) run(ctx context.Context, cluster wiring.Cluster, out io.Writer) error {
	if err := errors.Join(o.checkDryRun(), o.checkNamespaces()); err != nil {
		return err
	}
	loops, err := o.loops.loops()
	if err == nil {
		err = o.signing.apply(&cluster, &loops)
	}
	if err != nil {
		return err
	}
	webhooks, err := o.webhooks.webhooks()
	if err != nil {
		return err
	}
	options := wiring.ControllersOptions{
		Loops: loops, Election: o.election.election(), Configure: o.configure, Webhooks: webhooks,
		Namespaces: o.namespaces, DryRun: o.dryRun,
	}
	if o.dryRun {
		options.Inspect = newPlansTo(out).follow
	}
	mgr, err := wiring.NewControllers(cluster, options)
	if err != nil {
		return err
	}
	if err := errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("ping", healthz.Ping)); err != nil {
		return err
	}
	if webhooks != nil {
		if err := mgr.AddReadyzCheck("webhooks", mgr.GetWebhookServer().StartedChecker()); err != nil {
			return err
		}
	}
	if err := o.addParts(mgr, cluster); err != nil {
		return err
	}
	return mgr.Run(ctx)
}

// configure sets what the flags say about the manager itself.
func (o *managerOptions) configure(m *manager.Options) {
	m.Metrics = o.metrics.options()
	m.HealthProbeBindAddress = o.probeAddress
}

// addParts adds what was asked for besides the controllers. Like them it runs only while this process holds the lease.
func (o *managerOptions) addParts(mgr *wiring.Manager, cluster wiring.Cluster) error {
	if o.scheduler {
		s, err := newSchedulerPart(cluster, nil)
		if err != nil {
			return err
		}
		if err := mgr.Add(manager.RunnableFunc(s.Run)); err != nil {
			return err
		}
	}
	if o.nodes == 0 {
		return nil
	}
	fleet, err := newSimulatedNodes(cluster, nodeagent.FleetOptions{Nodes: o.nodes})
	if err != nil {
		return err
	}
	return mgr.Add(manager.RunnableFunc(fleet.Run))
}
