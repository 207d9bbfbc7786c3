// Package nodeports keeps a pod away from nodes where a port of the host that it wants is in use.
package nodeports

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// Name is the plugin's name in configurations.
const Name = "NodePorts"

const (
	reason                = "node(s) didn't have free ports for the requested pod ports"
	stateKey fwk.StateKey = "PreFilter" + Name
)

// Plugin has no state.
type Plugin struct{}

var (
	_ fwk.PreFilterPlugin         = Plugin{}
	_ fwk.FilterPlugin            = Plugin{}
	_ fwk.EnqueueExtensions       = Plugin{}
	_ fwk.SignPlugin              = Plugin{}
	_ framework.EquivalencePlugin = Plugin{}
)

// New returns the plugin. It takes no arguments.
func New(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return Plugin{}, nil }

// Name returns the plugin's name.
func (Plugin) Name() string { return Name }

// ports are those that a pod wants.
type ports []corev1.ContainerPort

// Clone returns the same: nothing changes it.
func (p ports) Clone() fwk.StateData { return p }

func (p ports) fit(used fwk.HostPortInfo) bool {
	for _, port := range p {
		if used.CheckConflict(port.HostIP, string(port.Protocol), port.HostPort) {
			return false
		}
	}
	return true
}

// PreFilter collects the host ports that the pod wants; without any, there is nothing to filter.
func (Plugin) PreFilter(_ context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	wanted := ports(nodeinfo.HostPorts(pod))
	if len(wanted) == 0 {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	state.Write(stateKey, wanted)
	return nil, nil
}

// PreFilterExtensions returns nil: Filter reads the ports in use from the node.
func (Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter refuses a node where one of the ports is in use.
func (Plugin) Filter(_ context.Context, state fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	wanted, err := framework.ReadState[ports](state, stateKey)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if !wanted.fit(node.GetUsedPorts()) {
		return fwk.NewStatus(fwk.Unschedulable, reason)
	}
	return nil
}

// SignPod says that the host ports decide.
func (Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.HostPortsSignerName, Value: fwk.HostPortsSigner(pod)}}, nil
}

// AppendEquivalenceKey appends the host ports, each with its protocol and address.
func (Plugin) AppendEquivalenceKey(key []byte, pod *corev1.Pod) ([]byte, bool) {
	for _, port := range nodeinfo.HostPorts(pod) {
		key = framework.AppendNumber(key, int64(port.HostPort))
		key = framework.AppendText(framework.AppendText(key, string(port.Protocol)), port.HostIP)
	}
	return key, true
}

// EventsToRegister asks for pods that free a port, and for new nodes.
func (Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}, QueueingHintFn: afterPodDeleted},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}},
	}, nil
}

func afterPodDeleted(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	deleted, _, err := framework.EventObjects[*corev1.Pod](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	if deleted.Spec.NodeName == "" && deleted.Status.NominatedNodeName == "" {
		return fwk.QueueSkip, nil
	}
	freed := fwk.HostPortInfo{}
	for _, port := range nodeinfo.HostPorts(deleted) {
		freed.Add(port.HostIP, string(port.Protocol), port.HostPort)
	}
	if ports(nodeinfo.HostPorts(pod)).fit(freed) {
		return fwk.QueueSkip, nil // What was freed is not what the pod wants.
	}
	return fwk.Queue, nil
}
