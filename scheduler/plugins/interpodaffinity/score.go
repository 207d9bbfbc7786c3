package interpodaffinity

import (
	"context"
	"fmt"
	"math"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

const scoreKey fwk.StateKey = "PreScore" + Name

// scoring is what Score adds up for a node. It does not change.
type scoring struct {
	snapshot *topologycount.Snapshot
	counts   []weighted
}

// weighted is a count, each 1 of which is worth some points.
type weighted struct {
	*topologycount.Count
	weight int64
}

// Clone returns the same: nothing changes it.
func (s *scoring) Clone() fwk.StateData { return s }

// add takes in a count, unless it counts nothing anywhere.
func (s *scoring) add(count *topologycount.Count, weight int64) {
	if count.Domains > 0 {
		s.counts = append(s.counts, weighted{count, weight})
	}
}

// PreScore counts the pods that the pod prefers, and those that prefer it. Where there are none, all nodes are equal.
func (p *Plugin) PreScore(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	prefers := prefers(pod.Spec.Affinity)
	if p.ignoreExisting && !prefers {
		return fwk.NewStatus(fwk.Skip)
	}
	terms, err := parse(pod)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("parsing the affinity of the pod: %w", err))
	}
	withAffinity, err := p.counts.Nodes().HavePodsWithAffinityList()
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("listing nodes with affinity: %w", err))
	}
	if !prefers && len(withAffinity) == 0 {
		return fwk.NewStatus(fwk.Skip)
	}
	snapshot, err := p.counts.Snapshot(ctx)
	if err != nil {
		return fwk.AsStatus(err)
	}
	s := &scoring{snapshot: snapshot}
	if err := p.preferencesOf(s, terms); err != nil {
		return fwk.AsStatus(err)
	}
	if err := p.preferencesFor(s, pod); err != nil {
		return fwk.AsStatus(err)
	}
	if len(s.counts) == 0 {
		return fwk.NewStatus(fwk.Skip)
	}
	state.Write(scoreKey, s)
	return nil
}

func prefers(affinity *corev1.Affinity) bool {
	if affinity == nil {
		return false
	}
	near, far := affinity.PodAffinity, affinity.PodAntiAffinity
	return near != nil && len(near.PreferredDuringSchedulingIgnoredDuringExecution) > 0 ||
		far != nil && len(far.PreferredDuringSchedulingIgnoredDuringExecution) > 0
}

// preferencesOf adds what the pod prefers.
func (p *Plugin) preferencesOf(s *scoring, terms *terms) error {
	for _, each := range []struct {
		terms []fwk.WeightedAffinityTerm
		sign  int64
	}{{terms.preferred, +1}, {terms.shunned, -1}} {
		for i := range each.terms {
			term := &each.terms[i]
			if err := p.resolve(&term.AffinityTerm); err != nil {
				return err
			}
			count, err := s.snapshot.Count(matchingPods([]fwk.AffinityTerm{term.AffinityTerm}, term.TopologyKey))
			if err != nil {
				return err
			}
			s.add(count, each.sign*int64(term.Weight))
		}
	}
	return nil
}

// preferencesFor adds what pods on nodes think of the pod.
func (p *Plugin) preferencesFor(s *scoring, pod *corev1.Pod) error {
	namespace := p.namespaceLabels(pod.Namespace)
	for _, each := range []struct {
		kind   topologycount.Kind
		weight int64
	}{{topologycount.RequiredAffinity, p.hardWeight}, {topologycount.PreferredAffinity, +1}, {topologycount.PreferredAntiAffinity, -1}} {
		if each.weight == 0 {
			continue
		}
		counts, err := s.snapshot.Terms(each.kind, pod, namespace)
		if err != nil {
			return err
		}
		for _, count := range counts {
			s.add(count.Count, each.weight)
		}
	}
	return nil
}

// Score is the sum of the weights of all terms that hold in the node's domains; it may be negative.
func (*Plugin) Score(_ context.Context, state fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	s, err := framework.ReadState[*scoring](state, scoreKey)
	if err != nil {
		return 0, fwk.AsStatus(err)
	}
	return s.score(s.snapshot.Ref(node), node), nil
}

// ScoreAll is Score for many nodes.
func (*Plugin) ScoreAll(_ context.Context, state fwk.CycleState, _ *corev1.Pod, nodes []fwk.NodeInfo, numbers []int32, scores fwk.NodeScoreList) error {
	s, err := framework.ReadState[*scoring](state, scoreKey)
	if err != nil {
		return err
	}
	s.snapshot.ScoreAll(nodes, numbers, scores, s.score)
	return nil
}

func (s *scoring) score(ref topologycount.NodeRef, _ fwk.NodeInfo) (score int64) {
	for i := range s.counts {
		sum, _ := s.counts[i].At(ref)
		score += s.counts[i].weight * sum
	}
	return score
}

// ScoreExtensions returns the plugin itself.
func (p *Plugin) ScoreExtensions() fwk.ScoreExtensions { return p }

// NormalizeScore gives 100 to the highest score and 0 to the lowest; equal ones all get 0.
func (*Plugin) NormalizeScore(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	lowest, highest := int64(math.MaxInt64), int64(math.MinInt64)
	for _, score := range scores {
		lowest, highest = min(lowest, score.Score), max(highest, score.Score)
	}
	for i := range scores {
		if highest == lowest {
			scores[i].Score = 0
			continue
		}
		// In floating point, as kube-scheduler: it rounds differently from integers.
		share := float64(scores[i].Score-lowest) / float64(highest-lowest)
		scores[i].Score = int64(float64(fwk.MaxNodeScore) * share)
	}
	return nil
}
