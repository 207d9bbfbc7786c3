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
	"github.com/orrery-dev/orrery/internal/cli/registration"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/nodeagent"
	"github.com/spf13/cobra"
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
			inst, err := t.instance()
			if err != nil {
				return err
			}
			registered, err := registration.Read(registrationDir(inst))
			if err == nil {
				endWithParent()
				assemble := func(_ context.Context, inst *instance.Instance) ([]plane.Component, string, error) {
					return newJoined(inst, registered, options)
				}
				return runInForeground(c, inst, assemble, verbosity, "")
			}
			if !errors.Is(err, os.ErrNotExist) {
				return err
			}
			cluster, err := access.cluster(nil)
			if err != nil {
				return err
			}
			if options.runtime == simulatedRuntime {
				setUpLogging(verbosity)
				fleet, err := newSimulatedNodes(cluster, nodes, nodeagent.Serving{})
				if err != nil {
					return err
				}
				return traced(c.Context(), func() error { return fleet.Run(c.Context()) })
			}
			join := func(ctx context.Context, inst *instance.Instance) ([]plane.Component, string, error) {
				m, err := newMachine(ctx, inst, options)
				if err != nil {
					return nil, "", err
				}
				m.cluster = func(identity.Identity) (wiring.Cluster, error) { return cluster, nil }
				return m.hostComponents(), cluster.Config.Host, nil
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
