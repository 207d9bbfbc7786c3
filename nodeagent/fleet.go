package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	goruntime "runtime"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/nodeagent/admission"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/host"
	"github.com/orrery-dev/orrery/nodeagent/node"
	"github.com/orrery-dev/orrery/nodeagent/objects"
	"github.com/orrery-dev/orrery/nodeagent/pods"
	"github.com/orrery-dev/orrery/nodeagent/server"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
	"github.com/orrery-dev/orrery/nodeagent/stats"
)

// What simulated nodes need. They share one identity, so that the Node authorizer cannot tell which objects their pods refer
// to: they may read any Secret and ConfigMap that they know by name, and list none. An Agent needs no role: it is known to the
// Node authorizer, which lets it do this and more, for its own pods only.
//
// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;create;patch
// +kubebuilder:rbac:groups="",resources=nodes/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;delete
// +kubebuilder:rbac:groups="",resources=pods/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=services,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=configmaps;secrets,verbs=get
// +kubebuilder:rbac:groups="",resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=kube-node-lease,resources=leases,verbs=get;create;update

// Fleet is a number of simulated nodes in one process.
type Fleet struct {
	options  FleetOptions
	runtimes map[string]*simulated.Runtime
	streams  *simulated.Streams
	*nodes
}

// NewFleet makes the nodes. Nothing happens on the API server before Run.
func NewFleet(options FleetOptions) (*Fleet, error) {
	if err := options.complete(); err != nil {
		return nil, err
	}
	c, err := connect(options.Config, options.Naming, "", rates{}, options.Activity)
	if err != nil {
		return nil, err
	}
	f := &Fleet{options: options, runtimes: map[string]*simulated.Runtime{}, streams: &simulated.Streams{}}
	f.nodes = newNodes(c, options.Serving, options.Clock, options.Log)
	f.activity = options.Activity
	source := objects.New(c.client, options.Clock)
	for i := range options.Nodes {
		prefix, err := network(options.ClusterCIDR, i)
		if err != nil {
			return nil, err
		}
		f.add(f.oneNode(c, source, i, prefix))
	}
	return f, nil
}

// Runtime returns the simulated runtime of a node, to make things go wrong in it; nil if there is no such node.
func (f *Fleet) Runtime(node string) *simulated.Runtime { return f.runtimes[node] }

// Run works until ctx ends, and then returns nil. An error means that it could not start.
func (f *Fleet) Run(ctx context.Context) error {
	return errors.Join(f.run(ctx), f.streams.Close())
}

func (f *Fleet) oneNode(c *connection, source *objects.Source, i int, prefix netip.Prefix) *oneNode {
	o := &f.options
	name := fmt.Sprintf("%s%d", o.NamePrefix, i)
	rt := simulated.New(simulated.Options{PodCIDR: prefix, Stages: o.Stages, Seed: uint64(i), Clock: o.Clock, Streams: f.streams})
	f.runtimes[name] = rt
	runtime := cri.WithDeadlines(rt, cri.DefaultDeadlines())
	ips := []string{o.NodeIP}
	loop := pods.New(pods.Options{
		Agent: name, Runtime: runtime, HostIPs: func() []string { return ips }, API: c.pods, Clock: o.Clock, Activity: o.Activity,
		Graceful: o.Naming == apis.Kubernetes, Admit: admission.All(admission.OperatingSystem, admission.Room(o.Capacity)),
		Host: host.New(host.Options{
			Capacity: o.Capacity, Allocatable: o.Capacity, HostIPs: func() []string { return ips }, Source: source, Services: c.services,
		}),
		Hooks: rt, Prober: rt, Event: c.recorder(name), Log: o.Log.WithValues("node", name),
	})
	return &oneNode{
		runtime: runtime, loop: loop, stats: simulatedStats(name, rt, loop, o.Clock),
		heartbeat: &node.Heartbeat{
			Name: name, Client: c.client, Runtime: runtime, Clock: o.Clock, Labels: o.Labels,
			Annotations: map[string]string{server.AnnotationResourceMetricsPath: server.ResourceMetricsPath(name)},
			Taints:      o.Taints, OwnTaints: o.OwnTaints, PodCIDRs: []string{prefix.String()},
			Observed: node.Observed{Name: name, IPs: ips, Port: port(o.Serving.Listener), Capacity: o.Capacity, Info: simulatedInfo(name, o.KubeletVersion)},
		},
	}
}

// simulatedStats measures a node of which nothing is real: what it uses is what its pods are said to use.
func simulatedStats(name string, rt *simulated.Runtime, loop *pods.Loop, timer clock.PassiveClock) *stats.Provider {
	return &stats.Provider{
		Node: name, Runtime: rt, Pods: loop.Pods, Began: rt.Began(), Clock: timer,
		Machine: func() (stats.Usage, error) {
			cpu, memory := rt.Used()
			return stats.Usage{CPU: cpu, Memory: memory, WorkingSet: memory, RSS: memory}, nil
		},
	}
}

func simulatedInfo(name, kubelet string) corev1.NodeSystemInfo {
	return corev1.NodeSystemInfo{
		MachineID: name, SystemUUID: name, BootID: name, KernelVersion: "simulated", OSImage: "Orrery (simulated)",
		KubeletVersion: kubelet, OperatingSystem: "linux", Architecture: goruntime.GOARCH,
	}
}

// network returns the i-th /24 of a prefix.
func network(cidr netip.Prefix, i int) (netip.Prefix, error) {
	const bits = 24
	if !cidr.Addr().Is4() || cidr.Bits() > bits || i >= 1<<(bits-cidr.Bits()) {
		return netip.Prefix{}, fmt.Errorf("cutting a network for node %d out of %s: there is no room for another /%d", i, cidr, bits)
	}
	base := cidr.Masked().Addr().As4()
	sum := uint32(base[0])<<24 | uint32(base[1])<<16 | uint32(base[2])<<8
	sum += uint32(i) << (32 - bits)
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8)}), bits), nil
}
