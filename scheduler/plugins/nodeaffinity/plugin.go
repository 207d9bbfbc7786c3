// Package nodeaffinity keeps pods to the nodes that their node selector and required node affinity match, and prefers
// those that their preferred node affinity matches. A profile can add an affinity of its own to that of every pod.
package nodeaffinity

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "NodeAffinity"

const (
	reasonPod      = "node(s) didn't match Pod's node affinity/selector"
	reasonEnforced = "node(s) didn't match scheduler-enforced node affinity"
	reasonConflict = "pod affinity terms conflict"
)

// Plugin holds the affinity that the profile adds.
type Plugin struct {
	addedRequired  *nodeaffinity.NodeSelector             // nil: none
	addedPreferred *nodeaffinity.PreferredSchedulingTerms // nil: none
}

var (
	_ fwk.PreFilterPlugin         = &Plugin{}
	_ fwk.FilterPlugin            = &Plugin{}
	_ fwk.PreScorePlugin          = &Plugin{}
	_ fwk.ScorePlugin             = &Plugin{}
	_ fwk.ScoreExtensions         = &Plugin{}
	_ fwk.EnqueueExtensions       = &Plugin{}
	_ fwk.SignPlugin              = &Plugin{}
	_ framework.EquivalencePlugin = &Plugin{}
)

// New returns the plugin. Its arguments are NodeAffinityArgs, or nil.
func New(_ context.Context, args runtime.Object, _ fwk.Handle) (fwk.Plugin, error) {
	p := &Plugin{}
	if args == nil {
		return p, nil
	}
	typed, ok := args.(*configv1.NodeAffinityArgs)
	if !ok {
		return nil, fmt.Errorf("reading arguments: expected NodeAffinityArgs, got %T", args)
	}
	added := typed.AddedAffinity
	if added == nil {
		return p, nil
	}
	var err error
	if required := added.RequiredDuringSchedulingIgnoredDuringExecution; required != nil {
		if p.addedRequired, err = nodeaffinity.NewNodeSelector(required); err != nil {
			return nil, fmt.Errorf("parsing addedAffinity.requiredDuringSchedulingIgnoredDuringExecution: %w", err)
		}
	}
	if preferred := added.PreferredDuringSchedulingIgnoredDuringExecution; len(preferred) > 0 {
		if p.addedPreferred, err = nodeaffinity.NewPreferredSchedulingTerms(preferred); err != nil {
			return nil, fmt.Errorf("parsing addedAffinity.preferredDuringSchedulingIgnoredDuringExecution: %w", err)
		}
	}
	return p, nil
}

// Name returns the plugin's name.
func (*Plugin) Name() string { return Name }

// SignPod says that the pod's node selector and affinity decide.
func (*Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	affinity, err := fwk.NodeAffinitySigner(pod)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	return []fwk.SignFragment{
		{Key: fwk.NodeAffinitySignerName, Value: affinity},
		{Key: fwk.NodeSelectorSignerName, Value: pod.Spec.NodeSelector},
	}, nil
}

// EventsToRegister asks for new nodes and changed labels.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeLabel}, QueueingHintFn: p.afterNode},
	}, nil
}

// afterNode lets the pod be tried again when the node matches now and did not before.
func (p *Plugin) afterNode(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*corev1.Node](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	if p.addedRequired != nil && !p.addedRequired.Match(after) {
		return fwk.QueueSkip, nil
	}
	required := nodeaffinity.GetRequiredNodeAffinity(pod)
	matches, err := required.Match(after)
	if err != nil {
		return fwk.Queue, err
	}
	if !matches {
		return fwk.QueueSkip, nil
	}
	if before == nil {
		return fwk.Queue, nil
	}
	if matched, err := required.Match(before); err != nil || !matched {
		return fwk.Queue, err
	}
	return fwk.QueueSkip, nil
}
