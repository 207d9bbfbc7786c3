package nodeaffinity

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

const preferredKey fwk.StateKey = "PreScore" + Name

// preferred is what a pod likes in a node.
type preferred struct {
	terms *nodeaffinity.PreferredSchedulingTerms // nil: nothing
}

// Clone returns the same: nothing changes it.
func (p preferred) Clone() fwk.StateData { return p }

// PreScore parses what the pod likes; where neither it nor the profile likes anything, there is nothing to score.
func (p *Plugin) PreScore(_ context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	liked, err := preferredOf(pod)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if liked.terms == nil && p.addedPreferred == nil {
		return fwk.NewStatus(fwk.Skip)
	}
	state.Write(preferredKey, liked)
	return nil
}

func preferredOf(pod *corev1.Pod) (preferred, error) {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil {
		return preferred{}, nil
	}
	terms := pod.Spec.Affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution
	if terms == nil {
		return preferred{}, nil
	}
	parsed, err := nodeaffinity.NewPreferredSchedulingTerms(terms)
	if err != nil {
		return preferred{}, fmt.Errorf("parsing preferred node affinity: %w", err)
	}
	return preferred{parsed}, nil
}

// Score is the sum of the weights of the terms that match.
func (p *Plugin) Score(_ context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	liked := preferred{}
	if value, err := state.Read(preferredKey); err == nil {
		liked = value.(preferred)
	} else if liked, err = preferredOf(pod); err != nil { // PreScore is switched off in the profile.
		return 0, fwk.AsStatus(err)
	}
	var sum int64
	for _, terms := range []*nodeaffinity.PreferredSchedulingTerms{p.addedPreferred, liked.terms} {
		if terms != nil {
			sum += terms.Score(node.Node())
		}
	}
	return sum, nil
}

// ScoreExtensions returns the plugin itself.
func (p *Plugin) ScoreExtensions() fwk.ScoreExtensions { return p }

// NormalizeScore gives 100 to the node with the largest sum.
func (*Plugin) NormalizeScore(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	framework.NormalizeByMax(scores, false)
	return nil
}
