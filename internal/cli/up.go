package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/plane"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/network/segment"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// upOptions are what a person can choose about a control plane.
type upOptions struct {
	runtimeOptions
	servingOptions
	storingOptions
	addresses rangeOptions
	dnsOptions
	metricsOptions
	ingressOptions
	storageOptions
	balancing   loadBalancerOptions
	snapshots   snapshotOptions
	controllers wiring.Selection
	autoscaling autoscalingFlags
	foreground  bool
	timeout     time.Duration
	port        int
	nodes       int
	// realNodes are those that run containers; 0 means as many as before.
	realNodes int
	// joined says that the instance has joined others as a member of their control plane, and so is no node.
	joined     bool
	etcd       etcdOptions
	members    memberOptions
	serverArgs []string
	verbosity  int
}

// etcdOptions are how an etcd outside of the process is reached, or else how large the embedded one may become.
type etcdOptions struct {
	servers                   []string
	prefix                    string
	caFile, certFile, keyFile string
	quota                     int64
}

// leastEtcdQuota is less than what a control plane fills in a day.
const leastEtcdQuota = 64 << 20

func newUp(t *target) *cobra.Command {
	o := upOptions{}
	c := &cobra.Command{
		Use:   "up",
		Short: "Start a control plane on this machine",
		Long: `Start a control plane on this machine, and return when it is ready: etcd, the API
server, the controllers, the scheduler, and a node. What was stored before is there again.
Where it runs already there is nothing to do, unless flags ask for something else.

With --runtime containerd (the default for root on Linux) the node runs containers; with
--runtime simulated it only says that it does, which needs neither root nor Linux.

Metrics are on the socket of the instance, in its folder of the data directory:
  curl --unix-socket DIR/orrery.sock http://orrery/metrics
With OTEL_EXPORTER_OTLP_ENDPOINT set, as in http://127.0.0.1:4317, each pass of a
control loop is sent there as a span, by OTLP over gRPC.`,
		Example: `  orrery up
  orrery up --runtime simulated --nodes 100
  orrery up --real-nodes 3
  orrery up --node-config kubelet.yaml
  orrery up --name second --port 7443
  orrery up --controllers=*,-nodelifecycle
  orrery up --snapshot-schedule "@every 6h" --snapshot-dir /mnt/backup
  orrery up --cluster-domain cluster.example.com
  orrery up --cluster-cidr 10.244.0.0/16,fd00:10:244::/48 --service-cluster-ip-range 10.96.0.0/16,fd00:10:96::/112
  orrery up --load-balancer-pool 192.168.1.240-192.168.1.250
  orrery up --runtime-endpoint unix:///run/containerd/containerd.sock
  orrery up --bind-address 0.0.0.0 --tls-san cp.example.com --audit
  orrery up --join TOKEN@192.0.2.1 --ca-hash sha256:HASH
  orrery up --etcd-servers https://10.0.0.1:2379 --etcd-cafile ca.crt --etcd-certfile client.crt --etcd-keyfile client.key`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			if err := hasNotJoined(inst); err != nil {
				return err
			}
			if err := o.prepareMember(c, inst); err != nil {
				return err
			}
			if err := o.configure(c.Flags()); err != nil {
				return err
			}
			if err := o.rotatesNothing(); err != nil {
				return err
			}
			if err := o.complete(c.Flags().Changed("nodes") || o.joined); err != nil {
				return err
			}
			if err := o.settleNodes(inst, c.Flags()); err != nil {
				return err
			}
			if !o.foreground {
				return runInBackground(c, inst, o)
			}
			assemble := func(ctx context.Context, inst *instance.Instance) ([]plane.Component, string, error) {
				return newControlPlane(ctx, inst, o)
			}
			return runInForeground(c, inst, assemble, o.verbosity, whatNext(inst, o))
		},
	}
	flags := c.Flags()
	flags.BoolVar(&o.foreground, "foreground", false, "stay, and stop on Ctrl-C, as a service manager wants it")
	flags.DurationVar(&o.timeout, "timeout", 5*time.Minute, "how long to wait until all of it runs, before giving up; not with --foreground")
	o.addFlags(flags)
	o.members.addOnce(flags)
	return c
}

// addFlags adds the flags about what runs.
func (o *upOptions) addFlags(flags *pflag.FlagSet) {
	o.runtimeOptions.addFlags(flags)
	o.sharedDisk = true // it is somebody's own machine
	o.config.AddFileFlags(flags, "node-")
	flags.IntVar(&o.nodes, "nodes", 0, "`number` of simulated nodes, 1 by default with --runtime simulated; beside a node that runs containers they are tainted, so that only pods go there that tolerate orrery.dev/simulated")
	flags.IntVar(&o.realNodes, "real-nodes", 0, "`number` of nodes that run containers: this machine, and for each further one a network namespace on it with a container runtime of its own; by default as many as before, at first 1. Where there were more, the others are removed with the pods on them")
	o.addresses.addFlags(flags)
	o.dnsOptions.addFlags(flags)
	o.metricsOptions.addFlags(flags)
	o.ingressOptions.addFlags(flags)
	o.storageOptions.addFlags(flags)
	o.balancing.addFlags(flags)
	o.snapshots.addFlags(flags)
	addSelectionFlag(flags, &o.controllers)
	o.autoscaling.addFlags(flags)
	o.members.addFlags(flags)
	o.addServerFlags(flags)
	markPaths(flags, append(o.config.Paths(), "runtime-bin")...)
}

// addServerFlags adds the flags about the API server.
func (o *upOptions) addServerFlags(flags *pflag.FlagSet) {
	flags.IntVar(&o.port, "port", 0, "`port` of the API server; by default the one it had before, at first 6443, or the next that is free and no other instance's")
	flags.StringSliceVar(&o.etcd.servers, "etcd-servers", nil, "`addresses` of an etcd cluster to store the state in, instead of the embedded one")
	flags.Int64Var(&o.etcd.quota, "etcd-quota-backend-bytes", apiserver.DefaultEtcdQuota, "`bytes` that the store of the embedded etcd may have before it takes no more writes")
	flags.StringVar(&o.etcd.prefix, "etcd-prefix", "", "`path` in that etcd below which to store; by default /registry")
	flags.StringVar(&o.etcd.caFile, "etcd-cafile", "", "`file` with the authority that signed the etcd servers' certificates")
	flags.StringVar(&o.etcd.certFile, "etcd-certfile", "", "`file` with the certificate to show to etcd")
	flags.StringVar(&o.etcd.keyFile, "etcd-keyfile", "", "`file` with its key")
	flags.StringArrayVar(&o.serverArgs, "apiserver-arg", nil, "a further `flag` of kube-apiserver, as in --apiserver-arg=--max-requests-inflight=800; may be given several times")
	flags.IntVarP(&o.verbosity, "v", "v", 0, "how much the log says, from 0 to 10")
	o.servingOptions.addFlags(flags)
	o.storingOptions.addFlags(flags)
	markPaths(flags, "etcd-cafile", "etcd-certfile", "etcd-keyfile", "encryption-config", "audit-policy")
}

// complete checks the options, and fills in what follows from them.
func (o *upOptions) complete(nodesChosen bool) error {
	if err := o.runtimeOptions.check(); err != nil {
		return err
	}
	switch {
	case o.port < 0 || o.port > 65535:
		return fmt.Errorf("--port %d: want 1 to 65535, or 0 for one that is free", o.port)
	case o.nodes < 0:
		return fmt.Errorf("--nodes %d: want 0 or more", o.nodes)
	case o.realNodes < 0 || o.realNodes > segment.MaxNodes:
		return fmt.Errorf("--real-nodes %d: want 1 to %d", o.realNodes, segment.MaxNodes)
	case o.realNodes > 1 && o.runtime == simulatedRuntime:
		return errors.New("--real-nodes needs a runtime that runs containers: for simulated nodes there is --nodes")
	case o.realNodes > 1 && o.endpoint != "":
		return errors.New("--real-nodes needs a runtime for each node, and --runtime-endpoint is one: leave that out")
	case o.etcd.quota != 0 && o.etcd.quota < leastEtcdQuota:
		return fmt.Errorf("--etcd-quota-backend-bytes %d: want at least %d, which is 64 MiB", o.etcd.quota, leastEtcdQuota)
	case len(o.etcd.servers) > 0 && o.etcd.quota != 0 && o.etcd.quota != apiserver.DefaultEtcdQuota:
		return errors.New("--etcd-quota-backend-bytes is the embedded etcd's: say it to the one of --etcd-servers where that is started")
	case len(o.etcd.servers) == 0 && o.etcd.prefix+o.etcd.caFile+o.etcd.certFile+o.etcd.keyFile != "":
		return errors.New("--etcd-prefix, --etcd-cafile, --etcd-certfile and --etcd-keyfile go with --etcd-servers")
	}
	if err := o.servingOptions.check(); err != nil {
		return err
	}
	if err := o.storingOptions.check(); err != nil {
		return err
	}
	if err := o.addresses.check(); err != nil {
		return err
	}
	if err := o.dnsOptions.check(); err != nil {
		return err
	}
	if err := o.ingressOptions.check(o.runtime); err != nil {
		return err
	}
	if err := o.balancing.check(); err != nil {
		return err
	}
	if err := o.autoscaling.check(); err != nil {
		return err
	}
	if err := o.snapshots.check(len(o.etcd.servers) > 0); err != nil {
		return err
	}
	if len(o.serverArgs) > 0 {
		if err := apiserver.CheckFlags(o.serverArgs); err != nil {
			return fmt.Errorf("--apiserver-arg: %w", err)
		}
	}
	if o.runtime == simulatedRuntime && !nodesChosen {
		o.nodes = 1
	}
	return nil
}

// settleNodes has as many real nodes as before where it was not said how many, and writes that down among the flags.
func (o *upOptions) settleNodes(inst *instance.Instance, flags *pflag.FlagSet) error {
	if o.realNodes == 0 {
		o.realNodes = 1
		if o.runtime == containerdRuntime && o.endpoint == "" {
			o.realNodes = nodesBefore(inst)
		}
	}
	return flags.Lookup("real-nodes").Value.Set(strconv.Itoa(o.realNodes)) // and not as one that was given
}
