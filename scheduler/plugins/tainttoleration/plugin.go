// Package tainttoleration keeps pods away from nodes with taints that they do not tolerate, and prefers nodes with fewer
// taints of the effect PreferNoSchedule that they do not tolerate.
package tainttoleration

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
const Name = "TaintToleration"

const (
	reason                     = "node(s) had untolerated taint(s)"
	stateKey      fwk.StateKey = "PreScore" + Name
	noComparisons              = false // Operators Lt and Gt are off by default upstream.
)

// Plugin has no state.
type Plugin struct{}

var (
	_ fwk.FilterPlugin            = Plugin{}
	_ fwk.PreScorePlugin          = Plugin{}
	_ fwk.ScorePlugin             = Plugin{}
	_ fwk.ScoreExtensions         = Plugin{}
	_ fwk.EnqueueExtensions       = Plugin{}
	_ fwk.SignPlugin              = Plugin{}
	_ framework.EquivalencePlugin = Plugin{}
)

// New returns the plugin. It takes no arguments.
func New(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return Plugin{}, nil }

// Name returns the plugin's name.
func (Plugin) Name() string { return Name }

// Filter refuses a node with a taint of the effect NoSchedule or NoExecute that the pod does not tolerate.
func (Plugin) Filter(ctx context.Context, _ fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	if untolerated(klog.FromContext(ctx), node.Node(), pod) {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, reason)
	}
	return nil
}

func untolerated(logger klog.Logger, node *corev1.Node, pod *corev1.Pod) bool {
	_, found := schedulinghelpers.FindMatchingUntoleratedTaint(logger, node.Spec.Taints, pod.Spec.Tolerations, keepsAway, noComparisons)
	return found
}

func keepsAway(taint *corev1.Taint) bool {
	return taint.Effect == corev1.TaintEffectNoSchedule || taint.Effect == corev1.TaintEffectNoExecute
}

// tolerations are those of a pod that concern PreferNoSchedule.
type tolerations []corev1.Toleration

// Clone returns the same: nothing changes it.
func (t tolerations) Clone() fwk.StateData { return t }

// PreScore collects the tolerations that scores look at.
func (Plugin) PreScore(_ context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	var soft tolerations
	for _, toleration := range pod.Spec.Tolerations {
		if toleration.Effect == "" || toleration.Effect == corev1.TaintEffectPreferNoSchedule {
			soft = append(soft, toleration)
		}
	}
	state.Write(stateKey, soft)
	return nil
}

// Score counts the taints of the effect PreferNoSchedule that the pod does not tolerate.
func (Plugin) Score(ctx context.Context, state fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	soft, err := framework.ReadState[tolerations](state, stateKey)
	if err != nil {
		return 0, fwk.AsStatus(err)
	}
	logger := klog.FromContext(ctx)
	var count int64
	for i := range node.Node().Spec.Taints {
		taint := &node.Node().Spec.Taints[i]
		if taint.Effect == corev1.TaintEffectPreferNoSchedule &&
			!schedulinghelpers.TolerationsTolerateTaint(logger, soft, taint, noComparisons) {
			count++
		}
	}
	return count, nil
}

// ScoreExtensions returns the plugin itself.
func (p Plugin) ScoreExtensions() fwk.ScoreExtensions { return p }

// NormalizeScore gives 100 to nodes without such taints and 0 to the one with the most.
func (Plugin) NormalizeScore(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	framework.NormalizeByMax(scores, true)
	return nil
}

// SignPod says that the tolerations decide.
func (Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.TolerationsSignerName, Value: fwk.TolerationsSigner(pod)}}, nil
}

// AppendEquivalenceKey appends the tolerations.
func (Plugin) AppendEquivalenceKey(key []byte, pod *corev1.Pod) ([]byte, bool) {
	return framework.AppendTolerations(key, pod), true
}

// EventsToRegister asks for new nodes, changed taints, and new tolerations of the pod.
func (Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeTaint}, QueueingHintFn: afterNode},
		{Event: fwk.ClusterEvent{Resource: fwk.TargetPod, ActionType: fwk.UpdatePodToleration}},
	}, nil
}

func afterNode(logger klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*corev1.Node](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	if (before == nil || untolerated(logger, before, pod)) && !untolerated(logger, after, pod) {
		return fwk.Queue, nil
	}
	return fwk.QueueSkip, nil
}
