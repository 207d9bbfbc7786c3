package nodeagent

import (
	"context"
	"path/filepath"
	"sync"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/nodeagent/admission"
	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/host"
	"github.com/orrery-dev/orrery/nodeagent/logs"
	"github.com/orrery-dev/orrery/nodeagent/node"
	"github.com/orrery-dev/orrery/nodeagent/objects"
	"github.com/orrery-dev/orrery/nodeagent/pods"
	"github.com/orrery-dev/orrery/nodeagent/probes"
	"github.com/orrery-dev/orrery/nodeagent/volumes"
)

// Agent is one node that runs real containers.
type Agent struct {
	options Options
	source  *objects.Source
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
	info := node.MachineInfo()
	info.KubeletVersion = Version
	source := a.source
	ips := func() []string { return []string{o.NodeIP} }
	allocatable := node.Allocatable(o.Capacity, o.Reserved)
	prober := probes.NewNetwork(o.Runtime)
	appArmor := host.AppArmorEnabled()
	var cidrs []string
	if o.PodCIDR != "" {
		cidrs = []string{o.PodCIDR}
	}
	return &oneNode{
		runtime: o.Runtime,
		loop: pods.New(pods.Options{
			Agent: o.NodeName, Runtime: o.Runtime, HostIPs: ips, API: c.pods, Clock: o.Clock,
			Graceful: o.Naming == apis.Kubernetes, Admit: admission.All(
				admission.OperatingSystem, admission.Features, admission.AppArmor(appArmor), admission.Sysctls, admission.Room(allocatable),
			),
			Host: host.New(host.Options{
				RootDir: o.RootDir, CgroupRoot: o.CgroupRoot, Cgroups: groups, ClusterDNS: o.ClusterDNS, ClusterDomain: o.ClusterDomain,
				ResolvConf: o.ResolvConf, RuntimeHandler: source.RuntimeHandler, SeccompDefault: o.SeccompDefault, AppArmor: appArmor, Capacity: o.Capacity, Allocatable: allocatable, HostIPs: ips,
				Source: source, Services: c.services,
				Volumes: volumes.New(volumes.Options{
					Source: source, Tokens: objects.NewTokens(c.client, c.podsAPI), Clock: o.Clock, Allocatable: allocatable,
				}),
			}),
			Hooks: prober, Prober: prober,
			Event: c.recorder(o.NodeName), Log: o.Log.WithValues("node", o.NodeName),
		}),
		heartbeat: &node.Heartbeat{
			Name: o.NodeName, Client: c.client, Runtime: o.Runtime, Clock: o.Clock, Labels: o.Labels, Taints: o.Taints, PodCIDRs: cidrs,
			Observed: node.Observed{
				Name: o.NodeName, IPs: ips(), Port: port(o.Serving.Listener), Capacity: o.Capacity, Reserved: o.Reserved, Info: info,
			},
		},
	}
}

// Run works until ctx ends, and then returns nil; containers go on running. An error means that it could not start.
func (a *Agent) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	wait := a.source.Watch(ctx, a.client, a.order[0].loop.ContentChanged)
	rotation := &logs.Manager{Dir: filepath.Join(a.options.RootDir, host.LogsDir), Runtime: a.options.Runtime, Clock: a.options.Clock, Log: a.options.Log}
	var group sync.WaitGroup
	group.Go(func() { rotation.Run(ctx) })
	defer wait()
	defer group.Wait()
	defer cancel()
	return a.run(ctx)
}
