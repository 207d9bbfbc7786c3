package nodeagent

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/nodeagent/admission"
	"github.com/orrery-dev/orrery/nodeagent/cadvisor"
	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/eviction"
	"github.com/orrery-dev/orrery/nodeagent/host"
	"github.com/orrery-dev/orrery/nodeagent/logs"
	"github.com/orrery-dev/orrery/nodeagent/node"
	"github.com/orrery-dev/orrery/nodeagent/objects"
	"github.com/orrery-dev/orrery/nodeagent/pods"
	"github.com/orrery-dev/orrery/nodeagent/probes"
	"github.com/orrery-dev/orrery/nodeagent/stats"
	"github.com/orrery-dev/orrery/nodeagent/volumes"
)

// Agent is one node that runs real containers.
type Agent struct {
	options Options
	source  *objects.Source
	// rotation and eviction keep the disk from filling.
	rotation *logs.Manager
	eviction *eviction.Manager
	*nodes
}

// New checks the options and connects to the runtime if there is no other. Nothing happens on the API server before Run.
func New(ctx context.Context, options Options) (*Agent, error) {
	if err := options.complete(); err != nil {
		return nil, err
	}
	c, err := connect(options.Config, options.Naming, options.NodeName)
	if err != nil {
		return nil, err
	}
	if options.Runtime == nil {
		client, err := cri.Connect(ctx, options.CRIEndpoint)
		if err != nil {
			return nil, err
		}
		options.Runtime = client
	}
	options.Runtime = cri.WithDeadlines(options.Runtime, cri.DefaultDeadlines())
	var groups *cgroups.FS
	if options.CgroupRoot != "" {
		if groups, err = cgroups.Open("/sys/fs/cgroup", options.CgroupRoot); err != nil {
			return nil, err
		}
	}
	a := &Agent{options: options, source: objects.New(c.client, options.Clock), nodes: newNodes(c, options.Serving, options.Clock, options.Log)}
	a.add(a.oneNode(c, groups))
	return a, nil
}

func (a *Agent) oneNode(c *connection, groups *cgroups.FS) *oneNode {
	o := &a.options
	disk := a.host(c, groups)
	prober := probes.NewNetwork(o.Runtime)
	one := &oneNode{
		runtime: o.Runtime,
		loop: pods.New(pods.Options{
			Agent: o.NodeName, Runtime: o.Runtime, HostIPs: a.ips, API: c.pods, Clock: o.Clock,
			Graceful: o.Naming == apis.Kubernetes, Admit: a.admit(), Protect: o.Protect, Host: disk, Hooks: prober, Prober: prober,
			Event: c.recorder(o.NodeName), Log: o.Log.WithValues("node", o.NodeName),
		}),
		heartbeat: a.heartbeat(c),
	}
	one.stats = &stats.Provider{
		Node: o.NodeName, Runtime: o.Runtime, Pods: one.loop.Pods, Pod: disk.Usage, Clock: o.Clock,
		Machine: stats.MachineProc.Usage, Began: stats.MachineProc.Began(), Disk: disk, Root: o.RootDir, NodeNetwork: cadvisor.MachineNetwork,
	}
	if groups != nil {
		one.groups = &cadvisor.Source{
			Node: o.NodeName, Runtime: o.Runtime, Pods: one.loop.Pods, Cgroups: groups, Root: o.CgroupRoot,
			Proc: string(stats.MachineProc), Machine: machineGroup,
		}
		one.stats.PodNetwork = func(now time.Time, pod *corev1.Pod, sandbox string) *statsv1alpha1.NetworkStats {
			return cadvisor.NetworkStats(now, one.groups.Interfaces(pod, sandbox))
		}
	}
	a.rotation = &logs.Manager{Dir: filepath.Join(o.RootDir, host.LogsDir), Runtime: o.Runtime, Clock: o.Clock, Log: o.Log}
	a.eviction = &eviction.Manager{
		Agent: o.NodeName, Runtime: o.Runtime, Disk: disk, Pods: one.loop.Pods, Evict: one.loop.Evict, Clock: o.Clock, Log: o.Log,
	}
	return one
}

// machineGroup is the group of all processes; without figures where they cannot be read.
func machineGroup() cadvisor.Group {
	group := cadvisor.Group{ID: "/", Start: stats.MachineProc.Began()}
	if used, err := stats.MachineProc.Usage(); err == nil {
		group.CPU, group.Memory, group.WorkingSet, group.RSS = &used.CPU, &used.Memory, &used.WorkingSet, &used.RSS
	}
	return group
}

func (a *Agent) ips() []string { return []string{a.options.NodeIP} }

func (a *Agent) allocatable() corev1.ResourceList {
	return node.Allocatable(a.options.Capacity, a.options.Reserved)
}

// admit has the last word on which pods run here.
func (a *Agent) admit() admission.Check {
	return admission.All(
		admission.OperatingSystem, admission.Features, admission.AppArmor(host.AppArmorEnabled()), admission.Sysctls,
		admission.Room(a.allocatable()),
	)
}

// host is the machine's side of pods.
func (a *Agent) host(c *connection, groups *cgroups.FS) *host.Host {
	o := &a.options
	return host.New(host.Options{
		RootDir: o.RootDir, CgroupRoot: o.CgroupRoot, Cgroups: groups, ClusterDNS: o.ClusterDNS, ClusterDomain: o.ClusterDomain,
		ResolvConf: o.ResolvConf, Capacity: o.Capacity, Allocatable: a.allocatable(), HostIPs: a.ips,
		Source: a.source, Services: c.services, HandlerOf: a.source.RuntimeHandler,
		SeccompDefault: o.SeccompDefault, AppArmor: host.AppArmorEnabled(),
		Volumes: volumes.New(volumes.Options{
			Source: a.source, Tokens: objects.NewTokens(c.client, c.podsAPI), TrustBundles: a.source,
			PodCertificates: objects.NewPodCertificates(c.client), Claims: objects.NewClaims(c.client), Clock: o.Clock, Allocatable: a.allocatable(),
		}),
	})
}

func (a *Agent) heartbeat(c *connection) *node.Heartbeat {
	o := &a.options
	info := node.MachineInfo()
	info.KubeletVersion = Version
	var cidrs []string
	if o.PodCIDR != "" {
		cidrs = []string{o.PodCIDR}
	}
	return &node.Heartbeat{
		Name: o.NodeName, Client: c.client, Runtime: o.Runtime, Clock: o.Clock, Labels: o.Labels, Taints: o.Taints, PodCIDRs: cidrs,
		Observed: node.Observed{
			Name: o.NodeName, IPs: a.ips(), Port: port(o.Serving.Listener), Capacity: o.Capacity, Reserved: o.Reserved, Info: info,
		},
	}
}

// Run works until ctx ends, and then returns nil; containers go on running. An error means that it could not start.
func (a *Agent) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	wait := a.source.Watch(ctx, a.client, a.order[0].loop.ContentChanged)
	var group sync.WaitGroup
	group.Go(func() { a.rotation.Run(ctx) })
	group.Go(func() { a.eviction.Run(ctx) })
	defer wait()
	defer group.Wait()
	defer cancel()
	return a.run(ctx)
}
