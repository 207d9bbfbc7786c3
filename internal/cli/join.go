package cli

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/nodebootstrap"
	"github.com/orrery-dev/orrery/internal/cli/registration"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// joinOptions say of which control plane this machine is to become a node, and as which one.
type joinOptions struct {
	server, token string
	pins          []string
	caFile        string
	name          string
	address       netip.Addr
}

// joinFlags are those that mean nothing without --join.
var joinFlags = []string{"token", "ca-hash", "ca-file"}

func (o *joinOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.server, "join", "", "`HOST[:PORT]` of the API server of a control plane on another machine, to become a node of it")
	flags.StringVar(&o.token, "token", "", "bootstrap `token` by which it lets this machine in")
	flags.StringSliceVar(&o.pins, "ca-hash", nil, "`hash` of the public key of its authority, as in sha256:6a8f…; may be given several times, for one of several authorities")
	flags.StringVar(&o.caFile, "ca-file", "", "`file` with the certificate of its authority, in the place of its hash")
	flags.StringVar(&o.name, "node-name", "", "`name` of the node, which a kubelet calls --hostname-override; by default that of this machine")
	flags.TextVar(&o.address, "node-ip", netip.Addr{}, "IPv4 `address` at which other nodes reach this machine; by default the one from which it talks to the API server, and without --join one that only this machine reaches")
	markPaths(flags, "ca-file")
}

// unused says that a flag was given which goes with --join.
func (o *joinOptions) unused(flags *pflag.FlagSet) error {
	for _, name := range joinFlags {
		if flags.Changed(name) {
			return fmt.Errorf("--%s goes with --join: say which control plane this machine is to become a node of", name)
		}
	}
	return nil
}

// sameAs says that this machine is a node already, and of another control plane than that which it is to join.
func (o *joinOptions) sameAs(r registration.Registration, inst *instance.Instance) error {
	switch {
	case o.name != "" && o.name != r.NodeName:
		return fmt.Errorf("--node-name %s: instance %s is node %s already: leave the flag out, or choose another instance with --name", o.name, inst.Name, r.NodeName)
	case o.address.IsValid() && o.address != r.Address:
		return fmt.Errorf("--node-ip %s: node %s is at %s already: leave the flag out, or choose another instance with --name", o.address, r.NodeName, r.Address)
	case o.server == "":
		return nil
	}
	config, err := r.Node()
	if err != nil {
		return err
	}
	if config.Host != "https://"+nodebootstrap.HostPort(o.server) {
		return fmt.Errorf("instance %s is node %s of the control plane at %s already: leave that first with '%s', or choose another instance with --name",
			inst.Name, r.NodeName, config.Host, inst.Command("node leave"))
	}
	return nil
}

// hasNotJoined says that an instance is a node of a control plane elsewhere, and so can be none itself.
func hasNotJoined(inst *instance.Instance) error {
	r, err := registration.Read(registrationDir(inst))
	if err != nil || !r.Rotates {
		return nil //nolint:nilerr // one that cannot be read stops 'orrery node'; a control plane has none
	}
	return fmt.Errorf("instance %s is node %s of a control plane on another machine: run it with '%s', leave that with '%s', or choose another instance with --name",
		inst.Name, r.NodeName, inst.Command("node"), inst.Command("node leave"))
}

// run makes this machine a node. Nothing is written before the cluster has let it in.
func (o *joinOptions) run(c *cobra.Command, inst *instance.Instance, runtime runtimeOptions) (registration.Registration, error) {
	options, err := o.options(inst)
	if err == nil {
		err = o.fits(inst, runtime)
	}
	if err == nil {
		err = options.Check()
	}
	if err != nil {
		return registration.Registration{}, err
	}
	joined, err := nodebootstrap.Join(c.Context(), options)
	if err != nil {
		return registration.Registration{}, err
	}
	if err := inst.Prepare(); err != nil {
		return registration.Registration{}, err
	}
	if err := inst.Adopt(instance.Addresses{
		Pods: joined.Networking.PodSubnet, Services: joined.Networking.ServiceSubnet,
		PodsIPv6: joined.Networking.PodSubnetIPv6, ServicesIPv6: joined.Networking.ServiceSubnetIPv6,
	}); err != nil {
		return registration.Registration{}, err
	}
	if err := joined.Write(); err != nil {
		return registration.Registration{}, err
	}
	c.PrintErrf("orrery: this machine is node %s now, at %s; it needs the token no more\n", joined.Registration.NodeName, joined.Registration.Address)
	return registration.Read(registrationDir(inst))
}

// fits says why the instance cannot be a node that joins.
func (o *joinOptions) fits(inst *instance.Instance, runtime runtimeOptions) error {
	switch {
	case runtime.runtime == simulatedRuntime:
		return errors.New("--join needs a runtime that runs containers: run as root on Linux, and leave out --runtime simulated")
	case runtime.endpoint != "":
		return errors.New("--join brings a container runtime of its own: leave out --runtime-endpoint")
	case inst.Running():
		return fmt.Errorf("instance %s is running (process %d): stop it first with '%s', or choose another with --name", inst.Name, inst.PID(), inst.Command("down"))
	}
	if _, err := os.Stat(serverDir(inst)); err == nil {
		return fmt.Errorf("instance %s is a control plane of its own: choose another with --name, or give it up with '%s'", inst.Name, inst.Command("reset --yes"))
	}
	return nil
}

func (o *joinOptions) options(inst *instance.Instance) (nodebootstrap.Options, error) {
	options := nodebootstrap.Options{
		Server: o.server, Token: o.token, Pins: o.pins, NodeName: o.name, Address: o.address, Dir: registrationDir(inst),
	}
	if options.NodeName == "" {
		name, err := os.Hostname()
		if err != nil {
			return options, fmt.Errorf("finding the name of this machine: %w: choose one with --node-name", err)
		}
		options.NodeName = strings.ToLower(name)
	}
	if o.caFile == "" {
		return options, nil
	}
	var err error
	if options.CA, err = os.ReadFile(o.caFile); err != nil {
		return options, fmt.Errorf("--ca-file: %w", err)
	}
	return options, nil
}
