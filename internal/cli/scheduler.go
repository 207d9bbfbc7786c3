package cli

import (
	"fmt"

	"github.com/orrery-dev/orrery/internal/wiring"
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
			if configuration != nil && access.kubeconfig == "" {
				access.kubeconfig = configuration.ClientConnection.Kubeconfig
			}
			cluster, err := access.cluster(nil)
			if err != nil {
				return err
			}
			limit(cluster.Config, configuration)
			s, err := newSchedulerPart(cluster, configuration)
			if err != nil {
				return err
			}
			return traced(c.Context(), func() error { return s.Run(c.Context()) })
		},
	}
	access.addFlags(c.Flags())
	c.Flags().StringVar(&file, "config", "", "`file` with a KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1); all defaults if empty")
	c.Flags().IntVarP(&verbosity, "v", "v", 0, "how much the log says, from 0 to 10")
	return c
}

// limit sends no more requests than the configuration says, where it does.
func limit(c *rest.Config, configuration *configv1.KubeSchedulerConfiguration) {
	if configuration != nil && configuration.ClientConnection.QPS != 0 {
		c.QPS, c.Burst = configuration.ClientConnection.QPS, int(configuration.ClientConnection.Burst)
	}
}

// newSchedulerPart makes the scheduler of a cluster, whose decisions this process tells from then on.
func newSchedulerPart(c wiring.Cluster, configuration *configv1.KubeSchedulerConfiguration) (wiring.Part, error) {
	s, err := wiring.NewScheduler(c, configuration)
	if err != nil {
		return nil, fmt.Errorf("starting the scheduler: %w", err)
	}
	inspected.scheduler.Store(s.Scheduler)
	s.Follow(inspected.decided)
	return s, nil
}
