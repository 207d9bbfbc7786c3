package noderesourcesfit

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/resources"
)

const scoredKey fwk.StateKey = "PreScore" + Name

// PreScore adds up what the pod counts as in scores.
func (p *Plugin) PreScore(_ context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	state.Write(scoredKey, p.scored.PodRequests(pod))
	return nil
}

// Score is 0 to 100 by what is taken on the node, as the strategy likes it.
func (p *Plugin) Score(_ context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	if len(p.scored.Resources) == 0 {
		return 0, fwk.NewStatus(fwk.Error, "resources not found")
	}
	var requests resources.PodRequests
	if value, err := state.Read(scoredKey); err == nil {
		requests = value.(resources.PodRequests)
	} else { // PreScore is switched off in the profile.
		requests = p.scored.PodRequests(pod)
	}
	return p.strategy(p.scored.Allocations(node, requests)), nil
}

// ScoreExtensions returns nil: the scores are 0 to 100 already.
func (*Plugin) ScoreExtensions() fwk.ScoreExtensions { return nil }
