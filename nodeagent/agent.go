package nodeagent

import (
	"cmp"
	"context"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	registrationv1 "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/nodeagent/admission"
	"github.com/orrery-dev/orrery/nodeagent/assignments"
	"github.com/orrery-dev/orrery/nodeagent/cadvisor"
	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/claims"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/csi"
	"github.com/orrery-dev/orrery/nodeagent/devices"
	"github.com/orrery-dev/orrery/nodeagent/eviction"
	"github.com/orrery-dev/orrery/nodeagent/host"
	"github.com/orrery-dev/orrery/nodeagent/imagegc"
	"github.com/orrery-dev/orrery/nodeagent/judges"
	"github.com/orrery-dev/orrery/nodeagent/logs"
	"github.com/orrery-dev/orrery/nodeagent/node"
	"github.com/orrery-dev/orrery/nodeagent/objects"
	"github.com/orrery-dev/orrery/nodeagent/plugins"
	"github.com/orrery-dev/orrery/nodeagent/podresources"
	"github.com/orrery-dev/orrery/nodeagent/pods"
	"github.com/orrery-dev/orrery/nodeagent/probes"
	"github.com/orrery-dev/orrery/nodeagent/restart"
	"github.com/orrery-dev/orrery/nodeagent/shutdown"
	"github.com/orrery-dev/orrery/nodeagent/stats"
	"github.com/orrery-dev/orrery/nodeagent/status"
	"github.com/orrery-dev/orrery/nodeagent/userns"
	"github.com/orrery-dev/orrery/nodeagent/volumes"
)

// Agent is one node that runs real containers.
type Agent struct {
	options Options
	source  *objects.Source
	// judges and forbid are nil where every pod is trusted.
	judges *judges.Watch
	forbid func(pod *corev1.Pod) *status.Failure
	// rotation, images and eviction keep the node from running out of things.
	rotation *logs.Manager
	images   *imagegc.Collector
	eviction *eviction.Manager
	// shutdown ends pods in good order before the machine goes down; nil where that is not asked for.
	shutdown *shutdown.Manager
	// groups is nil where pods have no control groups of our making.
	groups *cgroups.FS
	// nodeEvent records an event about the node.
	nodeEvent func(kind, reason, message string)
	// plugins registers those of the node; drivers are those of them that are CSI drivers, and volumes what uses them.
	plugins *plugins.Loop
	drivers *csi.Drivers
	volumes *volumes.Manager
	// devices are those of device plugins, and assignments what pods have for themselves of the node.
	devices     *devices.Manager
	assignments *assignments.Manager
	// resourceClaims has drivers prepare what pods claim of resources.
	resourceClaims *claims.Manager
	claims         *stats.Claims
	*nodes
}

// New checks the options and connects to the runtime if there is no other. Nothing happens on the API server before Run.
func New(ctx context.Context, options Options) (*Agent, error) {
	if err := options.complete(); err != nil {
		return nil, err
	}
	c, err := connect(options.Config, options.Naming, options.NodeName, ratesOf(options.Configuration), nil)
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
	options.Runtime = cri.WithPullLimits(cri.WithDeadlines(options.Runtime, cri.DeadlinesFor(options.Configuration.RuntimeRequestTimeout.Duration)), pullLimits(options.Configuration))
	var groups *cgroups.FS
	if options.CgroupRoot != "" {
		if groups, err = cgroups.Open(cgroupMount, options.CgroupRoot); err != nil {
			return nil, err
		}
	}
	if groups == nil && (options.allocatable.Enforces(node.EnforceKubeReserved) || options.allocatable.Enforces(node.EnforceSystemReserved)) {
		return nil, errNoGroups
	}
	users, err := userRanges(ctx, &options)
	if err != nil {
		return nil, err
	}
	a := &Agent{
		options: options, source: objects.New(c.client, options.Clock), groups: groups, nodeEvent: c.nodeEvents(options.NodeName),
		nodes: newNodes(c, options.Serving, options.Clock, options.Log),
	}
	a.configuration, a.flags, a.checkpoints = options.Configuration, options.Flags, filepath.Join(options.RootDir, "checkpoints")
	a.drivers = csi.NewDrivers(csi.NodeObjects{Client: c.client, Name: options.NodeName})
	a.devices = devices.New(devices.Options{
		Root: options.RootDir, Changed: func(pod types.UID) { a.order[0].loop.Wake(pod) }, Clock: options.Clock, Log: options.Log,
	})
	if a.assignments, err = options.assignments(a.devices); err != nil {
		return nil, err
	}
	a.resourceClaims, err = claims.New(claims.Options{
		Root: options.RootDir, API: objects.ResourceClaims{Client: c.client, Node: options.NodeName}, Clock: options.Clock, Log: options.Log,
	})
	if err != nil {
		return nil, err
	}
	a.plugins = plugins.New(plugins.Options{
		Dir: filepath.Join(options.RootDir, plugins.Dir), Clock: options.Clock, Log: options.Log,
		Handlers: map[string]plugins.Handler{registrationv1.CSIPlugin: a.drivers, registrationv1.DevicePlugin: a.devices.Handler(), registrationv1.DRAPlugin: a.resourceClaims.Handler()},
	})
	a.volumes = a.newVolumes(c)
	if options.Naming == apis.Orrery && !options.TrustCustomPods {
		a.judges = &judges.Watch{Client: c.client, Clock: options.Clock, Log: options.Log}
		if a.forbid, err = admission.Baseline(a.judges.Judged); err != nil {
			return nil, err
		}
	}
	one, err := a.oneNode(c, groups, users)
	if err != nil {
		return nil, err
	}
	a.add(one)
	return a, nil
}

func (a *Agent) oneNode(c *connection, groups *cgroups.FS, users *userns.Ranges) (*oneNode, error) {
	o := &a.options
	disk := a.host(c, groups, users)
	prober := probes.NewNetwork(o.Runtime)
	one := &oneNode{
		runtime: o.Runtime,
		loop: pods.New(pods.Options{
			Agent: o.NodeName, Runtime: o.Runtime, HostIPs: a.ips, API: c.pods, Clock: o.Clock,
			Graceful: o.Naming == apis.Kubernetes, Admit: a.admit(), Infeasible: a.assignments.Infeasible, Preempt: admission.Victims(a.allocatable()), StaticChanged: a.staticChanged, Forbid: a.forbid, Protect: o.Protect, Host: disk, Hooks: prober, Prober: prober,
			RestLimit: restart.Limit(o.Configuration.CrashLoopBackOff.MaxContainerRestartPeriod.Duration),
			Event:     c.recorder(o.NodeName), Log: o.Log.WithValues("node", o.NodeName),
		}),
		heartbeat: a.heartbeat(c),
	}
	one.static = a.newStaticPods(c, one)
	a.shutdown = a.newShutdown(one)
	a.claims = &stats.Claims{Pods: one.loop.Pods, Measure: disk.VolumeStats, Clock: o.Clock, Log: o.Log}
	a.metrics = append(a.metrics, gathering(a.claims))
	one.stats = &stats.Provider{
		Claims: a.claims,
		Node:   o.NodeName, Runtime: o.Runtime, Pods: one.loop.Pods, Pod: disk.Usage, Clock: o.Clock,
		Machine: stats.MachineProc.Usage, Began: stats.MachineProc.Began(), Disk: disk, Root: o.RootDir, NodeNetwork: cadvisor.MachineNetwork,
		Processes: stats.MachineProc.Processes,
	}
	if groups != nil {
		one.stats.AllPods = a.allPods
		one.groups = &cadvisor.Source{
			Node: o.NodeName, Runtime: o.Runtime, Pods: one.loop.Pods, Cgroups: groups, Root: o.CgroupRoot,
			Proc: string(stats.MachineProc), Machine: machineGroup,
		}
		one.stats.PodNetwork = func(now time.Time, pod *corev1.Pod, sandbox string) *statsv1alpha1.NetworkStats {
			return cadvisor.NetworkStats(now, one.groups.Interfaces(pod, sandbox))
		}
	}
	a.rotation = a.logs()
	return one, a.guard(c, one, disk)
}

// gathering has a registry of its own for a collector that tells of one node.
func gathering(collector prometheus.Collector) prometheus.Gatherer {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector)
	return registry
}

// machineGroup is the group of all processes; without figures where they cannot be read.
func machineGroup() cadvisor.Group {
	group := cadvisor.Group{ID: "/", Start: stats.MachineProc.Began()}
	if used, err := stats.MachineProc.Usage(); err == nil {
		group.CPU, group.Memory, group.WorkingSet, group.RSS = &used.CPU, &used.Memory, &used.WorkingSet, &used.RSS
	}
	return group
}

func (a *Agent) ips() []string { return a.options.NodeIPs }

func (a *Agent) allocatable() corev1.ResourceList {
	return node.Allocatable(a.options.Capacity, a.options.Reserved)
}

// admit has the last word on which pods run here.
func (a *Agent) admit() admission.Check {
	return admission.All(
		a.shuttingDown, a.underPressure, admission.OperatingSystem, admission.Features, admission.AppArmor(host.AppArmorEnabled()),
		admission.Sysctls(a.options.Configuration.AllowedUnsafeSysctls...),
		admission.Room(a.allocatable()), admission.Devices(a.offered),
	)
}

// host is the machine's side of pods.
func (a *Agent) host(c *connection, groups *cgroups.FS, users *userns.Ranges) *host.Host {
	o, configuration := &a.options, a.options.Configuration
	return host.New(host.Options{
		RootDir: o.RootDir, CgroupRoot: o.CgroupRoot, Cgroups: groups, ClusterDNS: configuration.ClusterDNS, ClusterDomain: configuration.ClusterDomain,
		ResolvConf: cmp.Or(*configuration.ResolverConfig, os.DevNull), Capacity: o.Capacity, Allocatable: a.allocatable(), HostIPs: a.ips,
		Source: a.source, Services: c.services, HandlerOf: a.source.RuntimeHandler,
		PodPidsLimit: ptr.Deref(o.allocatable.PodPidsLimit, 0), SeccompDefault: *configuration.SeccompDefault, AppArmor: host.AppArmorEnabled(),
		UserRanges: users, Assignments: a.assignments, Claims: a.resourceClaims,
		Volumes: a.volumes,
	})
}

func (a *Agent) newVolumes(c *connection) *volumes.Manager {
	o := &a.options
	return volumes.New(volumes.Options{
		Source: a.source, Tokens: objects.NewTokens(c.client, c.podsAPI), TrustBundles: a.source,
		PodCertificates: objects.NewPodCertificates(c.client), Claims: objects.NewClaims(c.client), Clock: o.Clock, Allocatable: a.allocatable(),
		CSI: volumes.CSI{
			Root: o.RootDir, Node: o.NodeName, Drivers: a.drivers, Definitions: a.source,
			Attachments: csi.Attachments{Client: c.client, Node: o.NodeName},
		},
	})
}

// volumesInUse is what the status of the node says of attached volumes.
func (a *Agent) volumesInUse() ([]corev1.UniqueVolumeName, bool) {
	names, err := a.volumes.VolumesInUse()
	if err != nil {
		a.options.Log.Error(err, "Looking which volumes are in use")
	}
	return names, err == nil
}

// attachedByController is the annotation of a node by which volumes are attached to it by the control plane, and not by the node.
const attachedByController = "volumes.kubernetes.io/controller-managed-attach-detach"

func (a *Agent) heartbeat(c *connection) *node.Heartbeat {
	o, configuration := &a.options, a.options.Configuration
	annotations := map[string]string{attachedByController: "true"}
	maps.Copy(annotations, o.Annotations)
	info := node.MachineInfo()
	info.KubeletVersion = o.KubeletVersion
	return &node.Heartbeat{
		Name: o.NodeName, Client: c.client, Runtime: o.Runtime, Clock: o.Clock, Labels: o.Labels, Taints: configuration.RegisterWithTaints, PodCIDRs: o.PodCIDRs,
		ProviderID: configuration.ProviderID, Unregistered: !*configuration.RegisterNode, Pace: node.Pace{
			StatusUpdate: configuration.NodeStatusUpdateFrequency.Duration, StatusReport: configuration.NodeStatusReportFrequency.Duration,
			Lease: time.Duration(configuration.NodeLeaseDurationSeconds) * time.Second,
		},
		Pressure: a.pressure, ShuttingDown: a.shutdownStatus, Event: a.nodeEvent, Devices: a.devices.Amounts,
		Annotations: annotations, VolumesInUse: a.volumesInUse,
		Observed: node.Observed{
			Name: o.NodeName, IPs: a.ips(), Port: port(o.Serving.Listener), Capacity: o.Capacity, Reserved: o.Reserved, Info: info,
			MaxImages: int(*configuration.NodeStatusMaxImages),
		},
	}
}

// Run works until ctx ends, and then returns nil; containers go on running. An error means that it could not start.
func (a *Agent) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	if a.judges != nil {
		a.judges.Look(ctx) // before the first pod is seen
	}
	wait := a.source.Watch(ctx, a.client, a.order[0].loop.ContentChanged)
	defer wait()
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { a.rotation.Run(ctx); return nil })
	group.Go(func() error { a.images.Run(ctx); return nil })
	group.Go(func() error { a.eviction.Run(ctx); return nil })
	if a.shutdown != nil {
		group.Go(func() error { a.shutdown.Run(ctx); return nil })
	}
	if a.groups != nil {
		group.Go(func() error { a.enforce(ctx); return nil })
		group.Go(func() error { a.share(ctx); return nil })
	}
	group.Go(func() error { a.claims.Run(ctx); return nil })
	if manifests := a.order[0].static.loop; manifests != nil {
		group.Go(func() error { manifests.Run(ctx); return nil })
	}
	refresher := &csi.Refresher{Drivers: a.drivers, Definitions: a.source, Clock: a.options.Clock, Log: a.options.Log}
	group.Go(func() error { refresher.Run(ctx); return nil })
	if a.judges != nil {
		group.Go(func() error { a.judges.Run(ctx); return nil })
	}
	group.Go(func() error { return a.devices.Run(ctx) })
	told := &podresources.Server{Root: a.options.RootDir, Pods: a.activePods, Devices: a.devices, CPUs: a.assignments, Memory: a.assignments, Claims: a.resourceClaims}
	group.Go(func() error { return told.Run(ctx) })
	group.Go(func() error { a.reconcileCPUs(ctx); return nil })
	group.Go(func() error { return a.runPlugins(ctx) })
	group.Go(func() error { defer cancel(); return a.run(ctx) })
	return group.Wait()
}

// runPlugins registers plugins once the node is registered, for that is what they are told to be on.
func (a *Agent) runPlugins(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-a.Ready():
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.plugins.Run(ctx) })
	group.Go(func() error { a.resourceClaims.Run(ctx); return nil })
	return group.Wait()
}
