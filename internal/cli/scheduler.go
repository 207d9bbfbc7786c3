package cli

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/scheduler"
	"github.com/orrery-dev/orrery/scheduler/config"
	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	configv1 "k8s.io/kube-scheduler/config/v1"
)

func newScheduler() *cobra.Command {
	var (
		access    access
		file      string
		verbosity int
	)
	c := &cobra.Command{
		Use:   "scheduler",
		Short: "Run the scheduler on any cluster",
		Long: `Run the scheduler on the cluster of the kubeconfig, until interrupted. It reads
kube-scheduler's configuration files. A cluster that has a scheduler already needs
another name in the profiles of this one.`,
		Example: `  orrery scheduler --naming orrery
  orrery scheduler --config scheduler.yaml`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			setUpLogging(verbosity)
			var configuration *configv1.KubeSchedulerConfiguration
			if file != "" {
				var err error
				if configuration, err = config.ReadFile(file); err != nil {
					return err
				}
			}
			rest, naming, err := access.config(nil)
			if err != nil {
				return err
			}
			return traced(c.Context(), func() error {
				return runScheduler(c.Context(), rest, naming, configuration, func() {})
			})
		},
	}
	access.addFlags(c.Flags())
	c.Flags().StringVar(&file, "config", "", "`file` with a KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1); all defaults if empty")
	c.Flags().IntVarP(&verbosity, "v", "v", 0, "how much the log says, from 0 to 10")
	return c
}

// runScheduler runs the scheduler until ctx ends. A nil configuration means all defaults, without leader election.
func runScheduler(ctx context.Context, c *rest.Config, naming apis.Naming, configuration *configv1.KubeSchedulerConfiguration, ready func()) error {
	scheme, err := newScheme(naming)
	if err != nil {
		return err
	}
	s, err := scheduler.New(scheduler.Options{Config: c, Scheme: scheme, Configuration: configuration})
	if err != nil {
		return fmt.Errorf("starting the scheduler: %w", err)
	}
	decisions.of(s)
	ready()
	return s.Run(ctx)
}
