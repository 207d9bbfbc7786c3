// Package nodeunschedulable keeps pods away from nodes that are cordoned (spec.unschedulable), unless they tolerate the
// taint that stands for it.
package nodeunschedulable

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "NodeUnschedulable"

const reason = "node(s) were unschedulable"

// Plugin has no state.
type Plugin struct{}

var (
	_ fwk.FilterPlugin            = Plugin{}
	_ fwk.EnqueueExtensions       = Plugin{}
	_ fwk.SignPlugin              = Plugin{}
	_ framework.EquivalencePlugin = Plugin{}
)

// New returns the plugin. It takes no arguments.
func New(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return Plugin{}, nil }

// Name returns the plugin's name.
func (Plugin) Name() string { return Name }

// Filter refuses a cordoned node.
func (Plugin) Filter(ctx context.Context, _ fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	if !node.Node().Spec.Unschedulable || tolerates(klog.FromContext(ctx), pod) {
		return nil
	}
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, reason)
}

func tolerates(logger klog.Logger, pod *corev1.Pod) bool {
	cordoned := &corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	return schedulinghelpers.TolerationsTolerateTaint(logger, pod.Spec.Tolerations, cordoned, false)
}

// SignPod says that the tolerations decide.
func (Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.TolerationsSignerName, Value: fwk.TolerationsSigner(pod)}}, nil
}

// AppendEquivalenceKey appends the tolerations.
func (Plugin) AppendEquivalenceKey(key []byte, pod *corev1.Pod) ([]byte, bool) {
	return framework.AppendTolerations(key, pod), true
}

// EventsToRegister asks for nodes that come or are uncordoned, and for new tolerations of the pod.
func (Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeTaint}, QueueingHintFn: afterNode},
		{Event: fwk.ClusterEvent{Resource: fwk.TargetPod, ActionType: fwk.UpdatePodToleration}, QueueingHintFn: afterToleration},
	}, nil
}

func afterNode(_ klog.Logger, _ *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*corev1.Node](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	if !after.Spec.Unschedulable && (before == nil || before.Spec.Unschedulable) {
		return fwk.Queue, nil
	}
	return fwk.QueueSkip, nil
}

func afterToleration(logger klog.Logger, _ *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	_, after, err := framework.EventObjects[*corev1.Pod](old, new)
	if err != nil || tolerates(logger, after) {
		return fwk.Queue, err
	}
	return fwk.QueueSkip, nil
}
