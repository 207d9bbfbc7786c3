package interpodaffinity

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	corelisters "k8s.io/client-go/listers/core/v1"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

// What the plugin reads, besides pods and nodes. Namespaces have one name under both namings.
//
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch

// Name is the plugin's name in configurations.
const Name = "InterPodAffinity"

const (
	reasonAffinity             = "node(s) didn't match pod affinity rules"
	reasonAntiAffinity         = "node(s) didn't match pod anti-affinity rules"
	reasonExistingAntiAffinity = "node(s) didn't satisfy existing pods anti-affinity rules"
)

// Plugin reads the cluster from the snapshot, and namespaces from an informer.
type Plugin struct {
	counts     topologycount.Reader
	namespaces corelisters.NamespaceLister
	// hardWeight is the weight in scores of required affinity of pods on nodes.
	hardWeight int64
	// ignoreExisting leaves pods without preferred affinity of their own unscored.
	ignoreExisting bool
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

// Factory returns a factory of the plugin. Its arguments are InterPodAffinityArgs; nil, as an unset
// hardPodAffinityWeight, stands for the weight 1. The plugins of all profiles, and others that count pods, should
// share a counter.
func Factory(counter *topologycount.Counter) framework.Factory {
	return func(_ context.Context, args runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
		p := &Plugin{
			counts:     counter.ReaderFor(Name, handle),
			namespaces: handle.SharedInformerFactory().Core().V1().Namespaces().Lister(),
			hardWeight: 1,
		}
		if args == nil {
			return p, nil
		}
		typed, ok := args.(*configv1.InterPodAffinityArgs)
		if !ok {
			return nil, fmt.Errorf("reading arguments: expected InterPodAffinityArgs, got %T", args)
		}
		if typed.HardPodAffinityWeight != nil {
			p.hardWeight = int64(*typed.HardPodAffinityWeight)
		}
		p.ignoreExisting = typed.IgnorePreferredTermsOfExistingPods
		return p, nil
	}
}

// Name returns the plugin's name.
func (*Plugin) Name() string { return Name }

// SignPod says that the pod's labels decide, since terms of other pods may match them. A pod with inter-pod affinity
// cannot be signed: where it fits depends on where the pods before it went.
func (p *Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	if affinity := pod.Spec.Affinity; affinity != nil && (affinity.PodAffinity != nil || affinity.PodAntiAffinity != nil) {
		return nil, fwk.NewStatus(fwk.Unschedulable, "pods with InterPodAffinity are not signable")
	}
	if p.ignoreExisting {
		return nil, nil
	}
	return []fwk.SignFragment{{Key: fwk.LabelsSignerName, Value: pod.Labels}}, nil
}

// namespaceLabels returns the labels of a namespace; one that is not known has none.
func (p *Plugin) namespaceLabels(name string) labels.Set {
	namespace, err := p.namespaces.Get(name)
	if err != nil {
		return nil
	}
	return namespace.Labels
}
