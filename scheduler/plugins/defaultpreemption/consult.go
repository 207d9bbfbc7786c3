package defaultpreemption

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/preemption"
)

// consult lets extenders leave out candidates and change their victims, one extender after the other.
func (p *Plugin) consult(ctx context.Context, pod *corev1.Pod, candidates []*preemption.Candidate) ([]*preemption.Candidate, error) {
	for _, extender := range p.handle.Extenders() {
		if len(candidates) == 0 {
			break
		}
		if !extender.SupportsPreemption() || !extender.IsInterested(pod) {
			continue
		}
		answer, err := p.ask(extender, pod, candidates)
		if err != nil && extender.IsIgnorable() {
			klog.FromContext(ctx).Info("Extender could not be asked about preemption; it is left out, as it is ignorable",
				"extender", extender.Name(), "err", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		candidates = answer
	}
	return candidates, nil
}

// ask asks one extender. An answer without victims for a node is an error, or, from one that is ignorable, leaves out the
// node.
func (p *Plugin) ask(extender fwk.Extender, pod *corev1.Pod, candidates []*preemption.Candidate) ([]*preemption.Candidate, error) {
	victims := make(map[string]*extenderv1.Victims, len(candidates))
	for _, candidate := range candidates {
		victims[candidate.Place] = &extenderv1.Victims{Pods: candidate.Pods, NumPDBViolations: candidate.Violations}
	}
	answer, err := extender.ProcessPreemption(pod, victims, p.handle.SnapshotSharedLister().NodeInfos())
	if err != nil {
		return nil, fmt.Errorf("asking extender %s about preemption: %w", extender.Name(), err)
	}
	var rest []*preemption.Candidate
	for _, candidate := range candidates {
		own, stays := answer[candidate.Place]
		switch {
		case !stays:
			continue
		case own != nil && len(own.Pods) > 0:
			rest = append(rest, &preemption.Candidate{
				Place: candidate.Place, Pods: own.Pods, Violations: own.NumPDBViolations, Groups: candidate.Groups,
			})
		case !extender.IsIgnorable():
			return nil, fmt.Errorf("asking extender %s about preemption: expected at least one victim pod on node %q", extender.Name(), candidate.Place)
		}
	}
	return rest, nil
}
