package nodeagent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	"k8s.io/utils/cpuset"

	"github.com/orrery-dev/orrery/nodeagent/assignments"
	"github.com/orrery-dev/orrery/nodeagent/cpus"
	"github.com/orrery-dev/orrery/nodeagent/devices"
	"github.com/orrery-dev/orrery/nodeagent/memory"
	"github.com/orrery-dev/orrery/nodeagent/status"
	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// managers are what a configuration says of what containers have for themselves, and where that is.
type managers struct {
	// static: containers can have CPUs for themselves.
	static bool
	cpus   cpus.Options
	// staticMemory: containers have memory of certain nodes, and reservedMemory is what is kept from them, by node.
	staticMemory   bool
	reservedMemory map[int]map[corev1.ResourceName]int64
	// reserved are the CPUs that are named as the system's.
	reserved cpuset.CPUSet
	topology topology.Policy
	// mostNodes is how many NUMA nodes the machine may have with a policy for these.
	mostNodes int
	wholePods bool
}

// defaultMostNodes is the kubelet's figure: sets of more nodes are too many to be looked through.
const defaultMostNodes = 8

// managersBy reads them, and refuses what the kubelet refuses.
func managersBy(c *kubeletconfigv1beta1.KubeletConfiguration) (m managers, err error) {
	var errs []error
	wrong := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	oneOf := func(field, value string, known ...string) {
		if value != "" && !slices.Contains(known, value) {
			wrong(fmt.Errorf("%s: %q: want one of %q", field, value, known))
		}
	}
	oneOf("cpuManagerPolicy", c.CPUManagerPolicy, cpus.None, cpus.Static)
	oneOf("memoryManagerPolicy", c.MemoryManagerPolicy, memory.None, memory.Static)
	oneOf("topologyManagerPolicy", c.TopologyManagerPolicy, topology.None, topology.BestEffort, topology.Restricted, topology.SingleNUMANode)
	oneOf("topologyManagerScope", c.TopologyManagerScope, kubeletconfigv1beta1.ContainerTopologyManagerScope, kubeletconfigv1beta1.PodTopologyManagerScope)
	m.static, m.wholePods = c.CPUManagerPolicy == cpus.Static, c.TopologyManagerScope == kubeletconfigv1beta1.PodTopologyManagerScope
	if m.cpus, err = cpus.ParseOptions(c.CPUManagerPolicyOptions); err == nil && !m.static && len(c.CPUManagerPolicyOptions) > 0 {
		err = fmt.Errorf("cpuManagerPolicyOptions: %v: want none without the policy %s", c.CPUManagerPolicyOptions, cpus.Static)
	}
	wrong(err)
	if m.reserved, err = cpus.ParseReserved(c.ReservedSystemCPUs); err == nil && !m.reserved.IsEmpty() && c.SystemReservedCgroup+c.KubeReservedCgroup != "" {
		err = fmt.Errorf("reservedSystemCPUs: %s: want none with a systemReservedCgroup or a kubeReservedCgroup", m.reserved)
	}
	wrong(err)
	m.topology.Name, m.mostNodes = cmp.Or(c.TopologyManagerPolicy, topology.None), defaultMostNodes
	wrong(m.topologyOptions(c.TopologyManagerPolicyOptions))
	m.staticMemory = c.MemoryManagerPolicy == memory.Static
	m.reservedMemory, err = memory.ParseReserved(c.ReservedMemory)
	wrong(err)
	return m, errors.Join(errs...)
}

// topologyOptions reads topologyManagerPolicyOptions.
func (m *managers) topologyOptions(texts map[string]string) (err error) {
	for name, text := range texts {
		switch name {
		case "prefer-closest-numa-nodes":
			if m.topology.PreferClosest, err = strconv.ParseBool(text); err != nil {
				return fmt.Errorf("topologyManagerPolicyOptions: %s: %q: want true or false", name, text)
			}
		case "max-allowable-numa-nodes":
			if m.mostNodes, err = strconv.Atoi(text); err != nil || m.mostNodes < defaultMostNodes {
				return fmt.Errorf("topologyManagerPolicyOptions: %s: %q: want %d or more", name, text, defaultMostNodes)
			}
		default:
			return fmt.Errorf("topologyManagerPolicyOptions: %s: there is no such option", name)
		}
	}
	return nil
}

// assignments is who gives pods of the node what they have for themselves.
func (o *Options) assignments(devices *devices.Manager) (*assignments.Manager, error) {
	m, err := managersBy(o.Configuration)
	if err != nil {
		return nil, err
	}
	given := assignments.Options{Devices: devices, Topology: m.topology, WholePods: m.wholePods}
	if !m.static {
		err = cpus.CheckNone(o.RootDir)
	}
	if !m.staticMemory {
		err = errors.Join(err, memory.CheckNone(o.RootDir))
	}
	if err != nil || !m.static && !m.staticMemory && m.topology.Name == topology.None {
		return assignments.New(given), err
	}
	machine, err := topology.Read(topology.System, o.Capacity.Memory().Value())
	if err != nil {
		return nil, fmt.Errorf("reading how the machine is made: %w", err)
	}
	if m.topology.Name != topology.None && len(machine.Nodes) > m.mostNodes {
		return nil, fmt.Errorf("topologyManagerPolicy: unsupported on machines with more than %d NUMA Nodes, and this one has %d", m.mostNodes, len(machine.Nodes))
	}
	given.Topology.Machine = machine
	if m.static {
		if given.CPUs, err = o.cpuManager(m, machine); err != nil {
			return nil, err
		}
	}
	if m.staticMemory {
		policy, err := memory.NewPolicy(machine, m.reservedMemory, o.Reserved)
		if err != nil {
			return nil, err
		}
		if given.Memory, err = memory.New(o.RootDir, policy); err != nil {
			return nil, err
		}
	}
	return assignments.New(given), nil
}

// cpuManager gives containers CPUs for themselves, but for as many as are reserved.
func (o *Options) cpuManager(m managers, machine *topology.Machine) (*cpus.Manager, error) {
	var milli int64
	for _, list := range []corev1.ResourceList{o.reserved.Kube, o.reserved.System} {
		milli += list.Cpu().MilliValue()
	}
	if milli == 0 {
		return nil, errors.New("cpuManagerPolicy: the static policy requires systemreserved.cpu + kubereserved.cpu to be greater than zero")
	}
	policy, err := cpus.NewPolicy(machine, m.cpus, int((milli+999)/1000), m.reserved)
	if err != nil {
		return nil, err
	}
	return cpus.New(o.RootDir, policy)
}

// reconcileCPUs has running containers run on the CPUs that they are to have, until ctx ends.
func (a *Agent) reconcileCPUs(ctx context.Context) {
	if a.assignments.CPUs == nil {
		return
	}
	r := &cpus.Reconciler{
		Manager: a.assignments.CPUs, Runtime: a.options.Runtime, Agent: a.options.NodeName,
		Every: max(a.options.Configuration.CPUManagerReconcilePeriod.Duration, time.Second), Clock: a.options.Clock, Log: a.options.Log,
	}
	r.Run(ctx)
}

// activePods are those that have not ended.
func (a *Agent) activePods() []*corev1.Pod {
	return slices.DeleteFunc(a.order[0].loop.Pods(), func(pod *corev1.Pod) bool { return status.Terminal(pod.Status.Phase) })
}

// offered are the devices of plugins that a pod is judged by: one that was given what it asks for before the agent was started is not
// judged by what there is now.
func (a *Agent) offered(pod *corev1.Pod) corev1.ResourceList {
	if slices.Contains(a.devices.Pods(), string(pod.UID)) {
		return nil
	}
	_, allocatable := a.devices.Amounts()
	return allocatable
}
