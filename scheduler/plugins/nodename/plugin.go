// Package nodename keeps a pod whose spec names a node away from all other nodes.
package nodename

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "NodeName"

const reason = "node(s) didn't match the requested node name"

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

// PreFilter narrows the search to the named node.
func (Plugin) PreFilter(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	if pod.Spec.NodeName == "" {
		return nil, nil
	}
	return &fwk.PreFilterResult{NodeNames: sets.New(pod.Spec.NodeName)}, nil
}

// PreFilterExtensions returns nil: other pods do not matter.
func (Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter refuses every node but the named one.
func (Plugin) Filter(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	if pod.Spec.NodeName == "" || pod.Spec.NodeName == node.Node().Name {
		return nil
	}
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, reason)
}

// SignPod says that the name decides.
func (Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.NodeNameSignerName, Value: pod.Spec.NodeName}}, nil
}

// AppendEquivalenceKey appends the name.
func (Plugin) AppendEquivalenceKey(key []byte, pod *corev1.Pod) ([]byte, bool) {
	return framework.AppendText(key, pod.Spec.NodeName), true
}

// EventsToRegister asks for new nodes.
func (Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}}}, nil
}
