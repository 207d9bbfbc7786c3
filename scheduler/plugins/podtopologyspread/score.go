package podtopologyspread

import (
	"context"
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

const scoreKey fwk.StateKey = "PreScore" + Name

// scoring is what Score adds up for a node. It does not change.
type scoring struct {
	snapshot *topologycount.Snapshot
	soft     []soft
	// ignored are the names of nodes that lack a topology key; nil where there are none.
	ignored sets.Set[string]
}

// soft is a constraint with ScheduleAnyway.
type soft struct {
	constraint
	*topologycount.Count
	// weight makes up for there being more or fewer domains: a pod more in one of few domains means less.
	weight float64
	// labelled says that nodes without the topology key get nothing, though the count has a domain for them.
	labelled bool
}

// Clone returns the same: nothing changes it.
func (s *scoring) Clone() fwk.StateData { return s }

// PreScore counts the pods that the pod is to be spread with. Without such constraints there is nothing to score.
func (p *Plugin) PreScore(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) *fwk.Status {
	constraints, err := p.constraints(pod, corev1.ScheduleAnyway)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if len(constraints) == 0 {
		return fwk.NewStatus(fwk.Skip)
	}
	snapshot, err := p.counts.Snapshot(ctx)
	if err != nil {
		return fwk.AsStatus(err)
	}
	// By the system's constraints, nodes without a zone are spread over by host name all the same.
	requireKeys := len(pod.Spec.TopologySpreadConstraints) > 0 || !p.system
	s := &scoring{snapshot: snapshot}
	if err := s.count(pod, constraints, requireKeys); err != nil {
		return fwk.AsStatus(err)
	}
	s.weigh(nodes, requireKeys)
	state.Write(scoreKey, s)
	return nil
}

func (s *scoring) count(pod *corev1.Pod, constraints []constraint, requireKeys bool) error {
	spreading, err := newSpreading(pod, constraints, requireKeys)
	if err != nil {
		return err
	}
	s.soft = make([]soft, len(constraints))
	for i := range constraints {
		own := &s.soft[i]
		own.constraint, own.labelled = constraints[i], !requireKeys
		query := spreading.matchingPods(&own.constraint, topologycount.Topology{Key: own.key, MissingIsEmpty: !requireKeys})
		if own.perNode() {
			query = spreading.matchingPodsOnNode(&own.constraint)
		}
		if own.Count, err = s.snapshot.Count(query); err != nil {
			return err
		}
	}
	return nil
}

// perNode reports whether each node is its own domain. The host name is taken for that, without comparing it.
func (s *soft) perNode() bool { return s.key == corev1.LabelHostname }

// weigh finds out how many domains the nodes are in that can be chosen, and which of them have to be ignored.
func (s *scoring) weigh(nodes []fwk.NodeInfo, requireKeys bool) {
	refs := make([]topologycount.NodeRef, 0, len(nodes))
	for _, node := range nodes {
		ref := s.snapshot.Ref(node)
		if requireKeys && !s.hasKeys(ref, node) {
			if s.ignored == nil {
				s.ignored = sets.Set[string]{}
			}
			s.ignored.Insert(node.Node().Name)
			continue
		}
		refs = append(refs, ref)
	}
	for i := range s.soft {
		domains := len(refs)
		if !s.soft[i].perNode() {
			domains = s.soft[i].Distinct(refs)
		}
		s.soft[i].weight = math.Log(float64(domains + 2))
	}
}

// hasKeys reports whether a node has all topology keys: then it is in a domain of each, and otherwise, as keys are
// required, in none. Only a node that is its own domain is in it whatever its labels are.
func (s *scoring) hasKeys(ref topologycount.NodeRef, node fwk.NodeInfo) bool {
	for i := range s.soft {
		_, inside := s.soft[i].At(ref)
		if inside && s.soft[i].perNode() {
			_, inside = node.Node().Labels[s.soft[i].key]
		}
		if !inside {
			return false
		}
	}
	return true
}

// Score is higher the more pods there are in the node's domains. maxSkew is added so that differences weigh less where
// more of them is allowed.
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

func (s *scoring) score(ref topologycount.NodeRef, node fwk.NodeInfo) int64 {
	if s.ignored != nil && s.ignored.Has(node.Node().Name) {
		return 0
	}
	var score float64
	for i := range s.soft {
		own := &s.soft[i]
		if own.labelled {
			if _, found := node.Node().Labels[own.key]; !found {
				continue
			}
		}
		pods, _ := own.At(ref)
		score += float64(pods)*own.weight + float64(own.maxSkew-1)
	}
	return int64(math.Round(score))
}

// ScoreExtensions returns the plugin itself.
func (p *Plugin) ScoreExtensions() fwk.ScoreExtensions { return p }

// NormalizeScore turns the scores round, so that fewer pods are better: the lowest becomes 100. Ignored nodes get 0.
func (*Plugin) NormalizeScore(_ context.Context, state fwk.CycleState, _ *corev1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	s, err := framework.ReadState[*scoring](state, scoreKey)
	if err != nil {
		return fwk.AsStatus(err)
	}
	lowest, highest := int64(math.MaxInt64), int64(0)
	for _, score := range scores {
		if !s.ignored.Has(score.Name) {
			lowest, highest = min(lowest, score.Score), max(highest, score.Score)
		}
	}
	for i := range scores {
		switch score := &scores[i]; {
		case s.ignored.Has(score.Name):
			score.Score = 0
		case highest == 0:
			score.Score = fwk.MaxNodeScore
		default:
			score.Score = fwk.MaxNodeScore * (highest + lowest - score.Score) / highest
		}
	}
	return nil
}
