package podtopologyspread

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

// What the plugin reads for the constraints of a profile, besides pods and nodes.
//
// +kubebuilder:rbac:groups="",resources=services;replicationcontrollers,verbs=list;watch
// +kubebuilder:rbac:groups=core.orrery.dev,resources=services;replicationcontrollers,verbs=list;watch
// +kubebuilder:rbac:groups=apps,resources=replicasets;statefulsets,verbs=list;watch
// +kubebuilder:rbac:groups=apps.orrery.dev,resources=replicasets;statefulsets,verbs=list;watch

// Name is the plugin's name in configurations.
const Name = "PodTopologySpread"

const (
	reasonConstraints  = "node(s) didn't match pod topology spread constraints"
	reasonMissingLabel = reasonConstraints + " (missing required label)"
)

// systemDefaults are the constraints of pods without any, unless the profile says otherwise.
var systemDefaults = []corev1.TopologySpreadConstraint{
	{TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.ScheduleAnyway, MaxSkew: 3},
	{TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway, MaxSkew: 5},
}

// Plugin reads the cluster from the snapshot, and what selects pods from informers.
type Plugin struct {
	counts topologycount.Reader
	// defaults are the constraints of pods without any.
	defaults []corev1.TopologySpreadConstraint
	// system says that defaults are systemDefaults.
	system bool
	owners owners
}

var (
	_ fwk.PreFilterPlugin         = &Plugin{}
	_ fwk.PreFilterExtensions     = &Plugin{}
	_ framework.BatchFilterPlugin = &Plugin{}
	_ fwk.PreScorePlugin          = &Plugin{}
	_ framework.BatchScorePlugin  = &Plugin{}
	_ fwk.ScoreExtensions         = &Plugin{}
	_ fwk.EnqueueExtensions       = &Plugin{}
	_ fwk.SignPlugin              = &Plugin{}
)

// Factory returns a factory of the plugin. Its arguments are PodTopologySpreadArgs; nil, as an unset defaultingType,
// stands for System. The plugins of all profiles, and others that count pods, should share a counter.
func Factory(counter *topologycount.Counter) framework.Factory {
	return func(_ context.Context, args runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
		if args == nil {
			args = &configv1.PodTopologySpreadArgs{}
		}
		typed, ok := args.(*configv1.PodTopologySpreadArgs)
		if !ok {
			return nil, fmt.Errorf("reading arguments: expected PodTopologySpreadArgs, got %T", args)
		}
		p := &Plugin{
			counts:   counter.ReaderFor(Name, handle),
			defaults: typed.DefaultConstraints,
			system:   typed.DefaultingType != configv1.ListDefaulting,
		}
		if p.system {
			p.defaults = systemDefaults
		}
		if len(p.defaults) > 0 {
			p.owners = newOwners(handle.SharedInformerFactory())
		}
		return p, nil
	}
}

// Name returns the plugin's name.
func (*Plugin) Name() string { return Name }

// SignPod refuses to sign a pod that is spread: where it fits depends on where the pods before it went. With constraints
// in the profile, that may be any pod.
func (p *Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	switch {
	case len(pod.Spec.TopologySpreadConstraints) > 0:
		return nil, fwk.NewStatus(fwk.Unschedulable, "pods with topology constraints are not signable")
	case len(p.defaults) > 0:
		return nil, fwk.NewStatus(fwk.Unschedulable, "pods with default topology constraints are not signable")
	}
	return nil, nil
}
