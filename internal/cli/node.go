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
	"github.com/spf13/pflag"
)

// nodeOptions are what a person can choose about a node.
type nodeOptions struct {
	access  access
	runtime runtimeOptions
	join    joinOptions
	// nodes are simulated ones.
	nodes int
	// trustCustomPods runs pods of any level that nobody is known to have judged.
	trustCustomPods bool
	verbosity       int
}

func newNode(t *target) *cobra.Command {
	var o nodeOptions
	c := &cobra.Command{
		Use:   "node",
		Short: "Make this machine a node of any cluster",
		Long: `Make this machine a node, until interrupted.

With --join it becomes a node of a control plane on another machine, which is reached at
HOST and known by --ca-hash or --ca-file. It is let in by the token, requests its
certificates, and keeps them: the next start needs neither token nor flags. On the other
machine, 'orrery token create --print-join-command' prints the command. To undo it there
is 'orrery node leave'.

How the node is configured is read from a kubelet's configuration file (--config), from
drop-ins (--config-dir), and from flags with the kubelet's names, which go over both. What
this node cannot obey is an error, and not passed over.

Without --join this machine becomes a node of the cluster of the kubeconfig: its pods are run
by a containerd of this instance, or by the runtime at --runtime-endpoint. With
--runtime simulated there are --nodes nodes that run nothing.

On a cluster that somebody else operates pods are custom resources, which its own admission
does not look at. This machine runs those beyond the baseline level of the Pod Security
Standards only if the manager's webhooks stand before all pods, or with --trust-custom-pods.`,
		Example: `  orrery node --join 192.0.2.1 --token TOKEN --ca-hash sha256:HASH
  orrery node leave
  orrery node --config kubelet.yaml --node-labels disk=ssd --register-with-taints dedicated=db:NoSchedule
  orrery node --runtime-endpoint unix:///run/containerd/containerd.sock
  orrery node --runtime simulated --nodes 100`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.runtime.configure(c.Flags()); err != nil {
				return err
			}
			if err := o.runtime.check(); err != nil {
				return err
			}
			inst, err := t.instance()
			if err != nil {
				return err
			}
			return o.run(c, inst)
		},
	}
	o.access.addFlags(c.Flags())
	o.runtime.addFlags(c.Flags())
	o.runtime.config.AddFileFlags(c.Flags(), "")
	o.runtime.config.AddFlags(c.Flags())
	o.join.addFlags(c.Flags())
	markPaths(c.Flags(), append(o.runtime.config.Paths(), "resolv-conf", "pod-manifest-path")...)
	c.Flags().SetNormalizeFunc(asAKubelet)
	c.Flags().BoolVar(&o.runtime.sharedDisk, sharedDiskFlag, false, "evict pods for want of disk only when 5% of it is left, and not 10% or 15%: for a machine on whose disk people keep other things, as 'orrery up' takes it for")
	c.Flags().IntVar(&o.nodes, "nodes", 1, "`number` of simulated nodes")
	c.Flags().BoolVar(&o.trustCustomPods, "trust-custom-pods", false, "run pods of any level on a cluster that somebody else operates, although nobody is known to have judged them: whoever may make pods.core.orrery.dev there can be root on this machine")
	c.Flags().IntVarP(&o.verbosity, "v", "v", 0, "how much the log says, from 0 to 10")
	c.AddCommand(newNodeLeave(t))
	return c
}

// run is a node that was registered, that joins now, or of the cluster that the flags name.
func (o *nodeOptions) run(c *cobra.Command, inst *instance.Instance) error {
	registered, err := registration.Read(registrationDir(inst))
	switch {
	case err == nil:
		if err := o.join.sameAs(registered, inst); err != nil {
			return err
		}
		if !registered.Rotates {
			err = o.runtime.rotatesNothing()
		}
		if err != nil {
			return err
		}
		endWithParent()
		return o.serveRegistered(c, inst, registered)
	case !errors.Is(err, os.ErrNotExist):
		return err
	case o.join.server != "":
		registered, err := o.join.run(c, inst, o.runtime)
		if err != nil {
			return err
		}
		return o.serveRegistered(c, inst, registered)
	}
	if err := errors.Join(o.join.unused(c.Flags()), o.runtime.rotatesNothing()); err != nil {
		return err
	}
	cluster, err := o.access.cluster(nil)
	if err != nil {
		return err
	}
	if o.runtime.runtime == simulatedRuntime {
		return o.simulate(c, cluster)
	}
	assemble := func(ctx context.Context, inst *instance.Instance) ([]plane.Component, string, error) {
		m, err := newMachine(ctx, inst, o.runtime)
		if err != nil {
			return nil, "", err
		}
		m.name, m.address, m.trustCustomPods = o.join.name, o.join.address, o.trustCustomPods
		m.cluster = func(identity.Identity) (wiring.Cluster, error) { return cluster, nil }
		return m.hostComponents(), cluster.Config.Host, nil
	}
	return runInForeground(c, inst, assemble, o.verbosity, "")
}

// sharedDiskFlag says that the machine is not a node alone.
const sharedDiskFlag = "shared-disk"

// asAKubelet takes a kubelet's names of flags that have another one here.
func asAKubelet(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	switch name {
	case "hostname-override":
		name = "node-name"
	case "container-runtime-endpoint":
		name = "runtime-endpoint"
	}
	return pflag.NormalizedName(name)
}

func (o *nodeOptions) serveRegistered(c *cobra.Command, inst *instance.Instance, r registration.Registration) error {
	assemble := func(ctx context.Context, inst *instance.Instance) ([]plane.Component, string, error) {
		return newJoined(ctx, inst, r, o.runtime)
	}
	return runInForeground(c, inst, assemble, o.verbosity, "")
}

func (o *nodeOptions) simulate(c *cobra.Command, cluster wiring.Cluster) error {
	setUpLogging(o.verbosity)
	fleet, err := newSimulatedNodes(cluster, nodeagent.FleetOptions{
		Nodes: o.nodes, Labels: o.runtime.node.Labels, Taints: o.runtime.node.Configuration.RegisterWithTaints,
	})
	if err != nil {
		return err
	}
	return traced(c.Context(), func() error { return fleet.Run(c.Context()) })
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
