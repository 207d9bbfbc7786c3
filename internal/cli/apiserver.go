package cli

import (
	"context"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/plane"
	"github.com/spf13/cobra"
)

func newAPIServer(t *target) *cobra.Command {
	o := upOptions{runtimeOptions: runtimeOptions{runtime: simulatedRuntime}}
	c := &cobra.Command{
		Use:   "apiserver",
		Short: "Run the API server and etcd alone, with both names of every kind",
		Long: `Run the API server, and etcd unless --etcd-servers names one, until interrupted: a
control plane in which nothing happens by itself. The other parts can be run beside
it, each by its own command; nobody but 'orrery manager --cluster-loops' does here
what a kube-controller-manager does elsewhere.`,
		Example: `  orrery apiserver --name bare
  orrery kube-apiserver --help      # upstream's, which knows nothing of second names`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.complete(true); err != nil {
				return err
			}
			inst, err := t.instance()
			if err != nil {
				return err
			}
			assemble := func(ctx context.Context, inst *instance.Instance) ([]plane.Component, string, error) {
				return newBareControlPlane(ctx, inst, o)
			}
			return runInForeground(c, inst, assemble, o.verbosity, "")
		},
	}
	o.addServerFlags(c.Flags())
	return c
}
