package cli

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"

	"github.com/orrery-dev/orrery/internal/cli/nodeconfig"
	"github.com/spf13/pflag"
)

// The container runtimes that a person can choose.
const (
	containerdRuntime = "containerd"
	simulatedRuntime  = "simulated"
)

// runtimeOptions are what runs the pods of this machine.
type runtimeOptions struct {
	runtime  string
	endpoint string
	bin      string
	// seccompDefault: containers that name no seccomp profile get the runtime's default one.
	seccompDefault bool
	// sharedDisk: people keep other things on the machine's disk, of which the node leaves them less than a kubelet would.
	sharedDisk bool
	// config says how the node is configured, and node is that as it was read.
	config nodeconfig.Options
	node   nodeconfig.Node
	// flags are all flags of the command that say what runs, but secrets.
	flags map[string]string
	// overlay: pods on nodes of other links are reached through VXLAN.
	overlay onOff
	// nodePorts are the addresses of this machine on which node ports are served.
	nodePorts nodePortAddresses
}

func (o *runtimeOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.runtime, "runtime", defaultRuntime(), "what runs pods: containerd or simulated")
	flags.StringVar(&o.endpoint, "runtime-endpoint", "", "`address` of a CRI runtime to use instead of an own containerd, as in unix:///run/containerd/containerd.sock")
	flags.StringVar(&o.bin, "runtime-bin", "", "`directory` with containerd, runc and the CNI plugins; by default runtime, beside this program")
	flags.BoolVar(&o.seccompDefault, "seccomp-default", false, "run containers that name no seccomp profile with the default one of the runtime, rather than with none")
	o.overlay = true
	flags.Var(&o.overlay, "overlay", "`on` or off: whether pods of nodes that are on another link are reached through VXLAN, at UDP port 4789 of the nodes; off where routers know the way to pods")
	o.nodePorts.addFlag(flags)
}

// secretFlags are those whose values are for nobody to see.
var secretFlags = []string{"token", "manifest-url-header"}

// configure reads how the node is to be configured, once the flags have been parsed.
func (o *runtimeOptions) configure(flags *pflag.FlagSet) error {
	if o.runtime == simulatedRuntime {
		if err := o.config.ForContainers(flags); err != nil {
			return err
		}
	}
	var err error
	if o.node, err = o.config.Load(flags); err != nil {
		return err
	}
	if flags.Changed("seccomp-default") {
		o.node.Configuration.SeccompDefault = &o.seccompDefault
	}
	if o.endpoint == "" {
		o.endpoint = o.node.Configuration.ContainerRuntimeEndpoint
	}
	o.flags = chosen(flags)
	maps.DeleteFunc(o.flags, func(name, _ string) bool { return slices.Contains(secretFlags, name) })
	return nil
}

// rotatesNothing says that the node's certificates are somebody else's business, where it is to renew them.
func (o *runtimeOptions) rotatesNothing() error {
	c := o.node.Configuration
	if c != nil && (c.RotateCertificates || c.ServerTLSBootstrap) {
		return errors.New("rotateCertificates and serverTLSBootstrap are for a node that has joined a control plane on another machine: the certificates of any other are renewed by who has made them")
	}
	return nil
}

func defaultRuntime() string {
	if runtime.GOOS == "linux" && os.Geteuid() == 0 {
		return containerdRuntime
	}
	return simulatedRuntime
}

// check says what is wrong with the choice, on this machine.
func (o *runtimeOptions) check() error {
	switch {
	case !slices.Contains([]string{containerdRuntime, simulatedRuntime}, o.runtime):
		return fmt.Errorf("--runtime %q: want %s or %s", o.runtime, containerdRuntime, simulatedRuntime)
	case o.runtime == simulatedRuntime && o.endpoint != "":
		return errors.New("--runtime-endpoint needs a runtime that runs containers: leave out --runtime simulated")
	case o.runtime == simulatedRuntime && o.seccompDefault:
		return errors.New("--seccomp-default needs a runtime that runs containers: leave out --runtime simulated")
	case o.runtime == containerdRuntime && runtime.GOOS != "linux":
		return fmt.Errorf("--runtime containerd needs Linux, and this is %s: use --runtime simulated", runtime.GOOS)
	case o.runtime == containerdRuntime && os.Geteuid() != 0:
		return errors.New("--runtime containerd makes namespaces and mounts, which needs root: run as root, or use --runtime simulated")
	default:
		return nil
	}
}
