// Package noderesourcesbalancedallocation prefers nodes on which a pod evens out how much of each resource is taken, so
// that no node runs out of CPU while its memory lies idle.
//
// The imbalance of a node is the standard deviation of its resources' utilizations. The score starts from 75, rises where
// the pod lowers the imbalance, and falls where it raises it.
package noderesourcesbalancedallocation

import (
	"context"
	"fmt"
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	podresources "k8s.io/component-helpers/resource"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/resources"
)

// Name is the plugin's name in configurations.
const Name = "NodeResourcesBalancedAllocation"

const requestsKey fwk.StateKey = "PreScore" + Name

// Plugin knows which resources are to be balanced.
type Plugin struct{ scored resources.Scored }

var (
	_ fwk.PreScorePlugin          = &Plugin{}
	_ fwk.ScorePlugin             = &Plugin{}
	_ fwk.SignPlugin              = &Plugin{}
	_ framework.EquivalencePlugin = &Plugin{}
)

// New returns the plugin. Its arguments are NodeResourcesBalancedAllocationArgs with defaults set.
func New(_ context.Context, args runtime.Object, _ fwk.Handle) (fwk.Plugin, error) {
	typed, ok := args.(*configv1.NodeResourcesBalancedAllocationArgs)
	if !ok {
		return nil, fmt.Errorf("reading arguments: expected NodeResourcesBalancedAllocationArgs, got %T", args)
	}
	return &Plugin{scored: resources.Scored{
		Resources: typed.Resources,
		Options: podresources.PodResourcesOptions{
			UseStatusResources: true,
			InPlacePodLevelResourcesVerticalScalingEnabled: true,
		},
	}}, nil
}

// Name returns the plugin's name.
func (*Plugin) Name() string { return Name }

// SignPod says that the pod's requests decide.
func (*Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.ResourcesSignerName, Value: resources.Requests(pod)}}, nil
}

// AppendEquivalenceKey appends what the pod's requests follow from.
func (*Plugin) AppendEquivalenceKey(key []byte, pod *corev1.Pod) ([]byte, bool) {
	return resources.AppendEquivalenceKey(key, pod)
}

// PreScore adds up what the pod requests. A pod that requests nothing has no say: all such pods would prefer the same node.
func (p *Plugin) PreScore(_ context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	requests := p.scored.PodRequests(pod)
	if requests.AllZero() {
		return fwk.NewStatus(fwk.Skip)
	}
	state.Write(requestsKey, requests)
	return nil
}

// Score is 50 to 100 by how the pod changes the balance.
func (p *Plugin) Score(_ context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	var requests resources.PodRequests
	if value, err := state.Read(requestsKey); err == nil {
		requests = value.(resources.PodRequests)
	} else if requests = p.scored.PodRequests(pod); requests.AllZero() { // PreScore is switched off in the profile.
		return 0, nil
	}
	if len(p.scored.Resources) == 0 {
		return 0, fwk.NewStatus(fwk.Error, "resources not found")
	}
	var buffer [8]resources.Allocation // Enough for most configurations; it saves an allocation per node.
	allocations := p.scored.AppendAllocations(buffer[:0], node, requests)
	with := balance(allocations, func(a resources.Allocation) int64 { return a.After })
	without := balance(allocations, func(a resources.Allocation) int64 { return a.Before })
	return fwk.MaxScore/2 + (fwk.MaxScore/2+with-without)/2, nil
}

// ScoreExtensions returns nil: the scores are 0 to 100 already.
func (*Plugin) ScoreExtensions() fwk.ScoreExtensions { return nil }

// balance is 100 where all resources are taken in the same proportion, and 50 where they differ most.
func balance(allocations []resources.Allocation, taken func(resources.Allocation) int64) int64 {
	var buffer [8]float64
	fractions := buffer[:0]
	var sum float64
	for _, allocation := range allocations {
		if allocation.Allocatable == 0 {
			continue
		}
		fraction := min(float64(taken(allocation))/float64(allocation.Allocatable), 1)
		fractions = append(fractions, fraction)
		sum += fraction
	}
	return int64((1 - deviation(fractions, sum)) * float64(fwk.MaxScore))
}

func deviation(fractions []float64, sum float64) float64 {
	switch len(fractions) {
	case 0, 1:
		return 0
	case 2: // The same as below, and exact.
		return math.Abs((fractions[0] - fractions[1]) / 2)
	}
	mean := sum / float64(len(fractions))
	var squares float64
	for _, fraction := range fractions {
		squares += (fraction - mean) * (fraction - mean)
	}
	return math.Sqrt(squares / float64(len(fractions)))
}
