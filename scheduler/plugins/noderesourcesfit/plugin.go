package noderesourcesfit

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	podresources "k8s.io/component-helpers/resource"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/resources"
)

// Name is the plugin's name in configurations.
const Name = "NodeResourcesFit"

// Plugin holds the arguments, made ready.
type Plugin struct {
	ignored       sets.Set[string]
	ignoredGroups sets.Set[string]
	scored        resources.Scored
	strategy      strategy
	// classes knows which extended resources devices can stand for. Nil means none.
	classes fwk.DeviceClassResolver
}

var (
	_ fwk.PreFilterPlugin         = &Plugin{}
	_ fwk.FilterPlugin            = &Plugin{}
	_ fwk.PreScorePlugin          = &Plugin{}
	_ fwk.ScorePlugin             = &Plugin{}
	_ fwk.EnqueueExtensions       = &Plugin{}
	_ fwk.SignPlugin              = &Plugin{}
	_ framework.EquivalencePlugin = &Plugin{}
)

// New returns the plugin. Its arguments are NodeResourcesFitArgs with defaults set.
func New(_ context.Context, args runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	typed, ok := args.(*configv1.NodeResourcesFitArgs)
	if !ok {
		return nil, fmt.Errorf("reading arguments: expected NodeResourcesFitArgs, got %T", args)
	}
	if typed.ScoringStrategy == nil {
		return nil, fmt.Errorf("reading arguments: scoringStrategy is required")
	}
	strategy, err := newStrategy(typed.ScoringStrategy)
	if err != nil {
		return nil, fmt.Errorf("reading arguments: %w", err)
	}
	var classes fwk.DeviceClassResolver
	if known := handle.SharedDRAManager(); known != nil {
		classes = known.DeviceClassResolver()
	}
	return &Plugin{
		classes:       classes,
		ignored:       sets.New(typed.IgnoredResources...),
		ignoredGroups: sets.New(typed.IgnoredResourceGroups...),
		strategy:      strategy,
		scored: resources.Scored{
			Resources: typed.ScoringStrategy.Resources,
			NonZero:   true,
			Options: podresources.PodResourcesOptions{
				SkipPodLevelResources:       true,
				NonMissingContainerRequests: resources.NonZeroDefaults(),
			},
		},
	}, nil
}

// Name returns the plugin's name.
func (*Plugin) Name() string { return Name }

// SignPod says that the pod's requests decide, unless devices can stand for one of them.
func (p *Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	requests := resources.Requests(pod)
	for name, amount := range requests.Scalars {
		if amount != 0 && p.backed(name) {
			return nil, fwk.NewStatus(fwk.Unschedulable, "signature disabled when dra extended resources are used in the cluster")
		}
	}
	return []fwk.SignFragment{{Key: fwk.ResourcesSignerName, Value: requests}}, nil
}

// AppendEquivalenceKey appends what the pod's requests follow from, unless devices can stand for one of them: whether they
// do may change without any node changing.
func (p *Plugin) AppendEquivalenceKey(key []byte, pod *corev1.Pod) ([]byte, bool) {
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			for name := range containers[i].Resources.Requests {
				if p.backed(name) {
					return key, false
				}
			}
		}
	}
	return resources.AppendEquivalenceKey(key, pod)
}
