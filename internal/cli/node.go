package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/plane"
	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
)

func newNode(t *target) *cobra.Command {
	var (
		access    access
		options   runtimeOptions
		nodes     int
		verbosity int
	)
	c := &cobra.Command{
		Use:   "node",
		Short: "Make this machine a node of any cluster",
		Long: `Make this machine a node of the cluster of the kubeconfig, until interrupted: its pods
are run by a containerd of this instance, or by the runtime at --runtime-endpoint.
With --runtime simulated there are --nodes nodes that run nothing.`,
		Example: `  orrery node --name edge
  orrery node --runtime-endpoint unix:///run/containerd/containerd.sock
  orrery node --runtime simulated --nodes 100`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := options.check(); err != nil {
				return err
			}
			config, naming, err := access.config(nil)
			if err != nil {
				return err
			}
			if options.runtime == simulatedRuntime {
				setUpLogging(verbosity)
				return runFleet(c.Context(), simulatedNodes(config, naming, nodes), func() {})
			}
			inst, err := t.instance()
			if err != nil {
				return err
			}
			join := func(ctx context.Context, inst *instance.Instance) ([]plane.Component, string, error) {
				m, err := newMachine(ctx, inst, options)
				if err != nil {
					return nil, "", err
				}
				m.naming = naming
				m.as = func(identity.Identity) (*rest.Config, error) { return config, nil }
				return m.hostComponents(), config.Host, nil
			}
			return runInForeground(c, inst, join, verbosity, "")
		},
	}
	access.addFlags(c.Flags())
	options.addFlags(c.Flags())
	c.Flags().IntVar(&nodes, "nodes", 1, "`number` of simulated nodes")
	c.Flags().IntVarP(&verbosity, "v", "v", 0, "how much the log says, from 0 to 10")
	return c
}

// answers checks that something listens at a runtime endpoint, so that a wrong address is told at once.
func answers(ctx context.Context, endpoint string) error {
	path, ok := strings.CutPrefix(endpoint, "unix://")
	if !ok {
		return fmt.Errorf("--runtime-endpoint %q: want the address of a unix socket, as in unix:///run/containerd/containerd.sock", endpoint)
	}
	connection, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("--runtime-endpoint %s: there is no such socket: is the runtime running?", endpoint)
	}
	if err != nil {
		return fmt.Errorf("--runtime-endpoint %s does not answer (%w): is the runtime running?", endpoint, err)
	}
	return connection.Close()
}
