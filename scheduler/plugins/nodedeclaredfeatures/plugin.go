// Package nodedeclaredfeatures keeps pods that need a feature away from nodes that do not say they have it
// (status.declaredFeatures). Which features a pod needs follows from its spec; the library that upstream's kubelet and API
// server use as well says which.
package nodedeclaredfeatures

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/version"
	ndf "k8s.io/component-helpers/nodedeclaredfeatures"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "NodeDeclaredFeatures"

const (
	reason   = "node(s) didn't match Pod's required features"
	stateKey = fwk.StateKey("PreFilter" + Name)
)

// release is the one whose behaviour this scheduler has. A feature that every node has by then need not be declared.
var release = version.MustParse("1.37.1")

// Plugin has no state.
type Plugin struct{}

var (
	_ fwk.PreFilterPlugin   = Plugin{}
	_ fwk.FilterPlugin      = Plugin{}
	_ fwk.EnqueueExtensions = Plugin{}
	_ fwk.SignPlugin        = Plugin{}
)

// New returns the plugin. It takes no arguments.
func New(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return Plugin{}, nil }

// Name returns the plugin's name.
func (Plugin) Name() string { return Name }

// needed are the features that a pod needs.
type needed struct{ ndf.FeatureSet }

// Clone implements fwk.StateData. The set never changes.
func (n needed) Clone() fwk.StateData { return n }

func needs(pod *corev1.Pod) (needed, error) {
	features, err := ndf.DefaultFramework.InferForPodScheduling(&ndf.PodInfo{Spec: &pod.Spec}, release)
	return needed{features}, err
}

// PreFilter steps aside for a pod that needs no feature.
func (Plugin) PreFilter(_ context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	features, err := needs(pod)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if features.IsEmpty() {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	state.Write(stateKey, features)
	return nil, nil
}

// PreFilterExtensions returns nil: other pods do not matter.
func (Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter refuses a node that lacks a feature.
func (Plugin) Filter(_ context.Context, state fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	features, err := framework.ReadState[needed](state, stateKey)
	if err != nil {
		return fwk.AsStatus(err)
	}
	matches, err := features.IsSubset(node.GetNodeDeclaredFeatures())
	switch {
	case err != nil:
		return fwk.AsStatus(err)
	case !matches:
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, reason)
	}
	return nil
}

// SignPod says that the needed features decide.
func (Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	features, err := needs(pod)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	return []fwk.SignFragment{{Key: fwk.FeaturesSignerName, Value: features.String()}}, nil
}

// EventsToRegister asks for nodes that come or declare other features, and for changes of the pod.
func (Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeDeclaredFeature}, QueueingHintFn: afterNode},
		{Event: fwk.ClusterEvent{Resource: fwk.TargetPod, ActionType: fwk.Update}, QueueingHintFn: afterPod},
	}, nil
}

func afterNode(_ klog.Logger, _ *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*corev1.Node](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	if before != nil && slices.Equal(before.Status.DeclaredFeatures, after.Status.DeclaredFeatures) {
		return fwk.QueueSkip, nil
	}
	return fwk.Queue, nil
}

func afterPod(_ klog.Logger, _ *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*corev1.Pod](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	needed, err := needs(before)
	if err != nil {
		return fwk.Queue, err
	}
	needs, err := needs(after)
	if err != nil || !needs.Equal(needed.FeatureSet) {
		return fwk.Queue, err
	}
	return fwk.QueueSkip, nil
}
