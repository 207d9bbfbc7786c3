package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/network/proxy"
	"github.com/orrery-dev/orrery/network/routes"
	"github.com/orrery-dev/orrery/nodeagent"
	corev1 "k8s.io/api/core/v1"
)

func (m *machine) runNetwork(ctx context.Context, ready func(string)) error {
	if err := m.network.Up(ctx); err != nil {
		return err
	}
	ready(fmt.Sprintf("%s, pods in %s", m.network.Interface(), commaed(m.settings.Addresses.PodCIDRs())))
	<-ctx.Done()
	return nil
}

func (m *machine) runRuntime(ctx context.Context, ready func(string)) error {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		if err := m.runtime.WaitReady(waiting); err != nil {
			return // Run's error says why
		}
		if err := m.loadImages(waiting); err != nil {
			logger().Error(err, "Images were not loaded")
		}
		ready(m.runtime.Endpoint())
	}()
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	context.AfterFunc(ctx, func() {
		defer end()
		if !reexecuting.keepsContainers() {
			m.stopPods(running)
		}
	})
	return m.runtime.Run(running)
}

// lookAtRuntime tells of the containerd that the runtime restarts by itself, as of a component that ended and was started anew.
func (m *machine) lookAtRuntime(c *instance.Component) {
	status := m.runtime.Status()
	if status.Restarts == 0 {
		return
	}
	c.Restarts += status.Restarts
	if status.LastError != "" {
		c.LastError = status.LastError
	}
	if c.State == instance.Running {
		c.Since = status.Since
		if status.PID == 0 {
			c.State = instance.Failed
		}
	}
}

// podGrace is how long containers have to end by themselves when the machine's instance is stopped. stopPatience bounds all of it.
const (
	podGrace     = 10 * time.Second
	stopPatience = 30 * time.Second
)

// stopPods ends all pods: who stops an instance wants nothing of it to go on. The next start brings them back.
func (m *machine) stopPods(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	if err := m.runtime.StopPods(ctx, podGrace); err != nil {
		logger().Error(err, "Some pods were left running")
	}
}

// loadImages puts the images that came with this program into the runtime: the pods' first container, and the demo.
func (m *machine) loadImages(ctx context.Context) error {
	archives, err := filepath.Glob(filepath.Join(programDir(), "images", "*.tar"))
	if err != nil {
		return err
	}
	for _, archive := range archives {
		if _, err := m.runtime.Images().Load(ctx, archive); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) runProxy(ctx context.Context, ready func(string)) error {
	cluster, err := m.cluster(identity.Proxy)
	if err != nil {
		return err
	}
	part, err := wiring.NewNetwork(cluster, proxy.Options{
		Name:              m.inst.ID(),
		NodeName:          m.nodeName(),
		ClusterCIDRs:      m.settings.Addresses.PodCIDRs(),
		ServiceCIDRs:      m.settings.Addresses.ServiceCIDRs(),
		BalancerCIDRs:     balancerRanges(m.settings.Addresses),
		NodePortAddresses: m.nodePorts.of(m.nodeAddresses()),
		Healthz:           m.listenForHealth(ctx),
	}, m.policies, inspected.of(proxyComponent))
	if err != nil {
		return err
	}
	return wiring.Run(ctx, part, func() { ready("") })
}

// listenForHealth is where the proxy says how it is, at the node's address; nowhere, if somebody else does so there already.
func (m *machine) listenForHealth(ctx context.Context) net.Listener {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", netip.AddrPortFrom(m.nodeAddress(), proxy.HealthzPort).String())
	if err != nil {
		logger().Info("The service proxy's health is not served", "reason", err.Error())
		return nil
	}
	return listener
}

// runRoutes lets this machine's pods reach those of other nodes.
func (m *machine) runRoutes(ctx context.Context, ready func(string)) error {
	cluster, err := m.cluster(identity.Proxy)
	if err != nil {
		return err
	}
	part, err := wiring.NewRoutes(cluster, routes.Options{NodeName: m.nodeName(), ClusterCIDRs: m.settings.Addresses.PodCIDRs(), Overlay: m.overlay}, inspected.of("routes"))
	if err != nil {
		return err
	}
	return wiring.Run(ctx, part, func() { ready("") })
}

func (p *controlPlane) runControllers(ctx context.Context, ready func(string)) error {
	cluster, err := p.cluster(identity.ControllerCache)
	if err != nil {
		return err
	}
	loops := loopsOf(p.settings, p.options.controllers)
	loops.Autoscaling = p.options.autoscaling.options()
	loops.Balancer = p.options.balancing.balancer(p.settings.Addresses)
	if p.address.IsValid() {
		loops.Selection = loops.Selection.Also(joiningLoops...)
	}
	part, err := wiring.NewControllers(cluster, wiring.ControllersOptions{
		Loops: loops, Election: p.election(identity.ControllersLease), Inspect: inspected.of(controllersComponent),
	})
	if err != nil {
		return err
	}
	return wiring.Run(ctx, part, func() { ready(wiring.Selected(loops.Selection)) })
}

// loopsOf is how the control loops of an instance run: it has nobody else for what every cluster has. The ranges of this machine are
// given to no other node, also before this machine is one, and those of the nodes' own addresses and of load balancers to none at all.
func loopsOf(s instance.Settings, selection wiring.Selection) wiring.Loops {
	return wiring.Loops{
		Selection:    selection,
		Cluster:      true,
		ClusterCIDRs: s.Addresses.PodCIDRs(),
		ServiceCIDRs: slices.Concat(s.Addresses.ServiceCIDRs(), nodeRanges(s.Addresses), nodesRanges(s.Addresses), balancerRanges(s.Addresses)),
	}
}

func (p *controlPlane) runScheduler(ctx context.Context, ready func(string)) error {
	cluster, err := p.cluster(identity.Scheduler)
	if err != nil {
		return err
	}
	part, err := p.elected(cluster, identity.SchedulerLease, func() (wiring.Part, error) { return newSchedulerPart(cluster, nil) })
	if err != nil {
		return err
	}
	return wiring.Run(ctx, part, func() { ready("") })
}

func (p *controlPlane) runSimulatedNodes(ctx context.Context, ready func(string)) error {
	cluster, err := p.cluster(identity.SimulatedNodes)
	if err != nil {
		return err
	}
	part, err := p.elected(cluster, identity.SimulatedNodesLease, func() (wiring.Part, error) { return p.simulatedNodes(ctx, cluster) })
	if err != nil {
		return err
	}
	return wiring.Run(ctx, part, func() { ready(strconv.Itoa(p.options.nodes) + " nodes") })
}

// simulatedNodes are those of the instance, whose agents answer on this machine alone.
func (p *controlPlane) simulatedNodes(ctx context.Context, cluster wiring.Cluster) (wiring.Part, error) {
	listener, err := listenAt(ctx, localhost, 0)
	if err != nil {
		return nil, fmt.Errorf("listening for the API of simulated nodes: %w", err)
	}
	serving, err := p.serving(listener, "simulated-nodes", localhost.AsSlice())
	if err != nil {
		return nil, err
	}
	part, err := newSimulatedNodes(cluster, nodeagent.FleetOptions{Nodes: p.options.nodes, Serving: serving, Taints: p.simulatedTaints()})
	if err != nil {
		return nil, errors.Join(err, serving.Listener.Close())
	}
	return part, nil
}

// simulatedTaints keep pods off simulated nodes that do not ask for them, where there is a node that runs containers: what they
// promise would not be kept.
func (p *controlPlane) simulatedTaints() []corev1.Taint {
	if p.network == nil {
		return nil
	}
	return []corev1.Taint{{Key: simulatedTaint, Effect: corev1.TaintEffectNoSchedule}}
}
