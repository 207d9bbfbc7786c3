package volumebinding

import (
	"context"
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/storage/volume"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// maxShapeScore is the highest score of a point in the configuration; it stands for fwk.MaxScore.
const maxShapeScore = 10

// shape is a function of utilization: straight lines between points, level before the first and after the last.
type shape []configv1.UtilizationShapePoint

// emptiest is the default: the more room is left, the better.
var emptiest = shape{{Utilization: 0, Score: maxShapeScore}, {Utilization: 100, Score: 0}}

func (s shape) at(utilization int64) int64 {
	for i, point := range s {
		if utilization > int64(point.Utilization) {
			continue
		}
		if i == 0 {
			return nodeScore(point)
		}
		before := s[i-1]
		rise := (nodeScore(point) - nodeScore(before)) * (utilization - int64(before.Utilization))
		return nodeScore(before) + rise/int64(point.Utilization-before.Utilization)
	}
	return nodeScore(s[len(s)-1])
}

func nodeScore(point configv1.UtilizationShapePoint) int64 {
	return int64(point.Score) * (fwk.MaxScore / maxShapeScore)
}

// use is how much of a class's storage on a node would be used.
type use struct{ requested, capacity int64 }

func (u use) utilization() int64 {
	if u.capacity == 0 || u.requested > u.capacity {
		return 100
	}
	return u.requested * 100 / u.capacity
}

// PreScore skips pods that need no volume to be chosen: all nodes are alike for them.
func (*Plugin) PreScore(_ context.Context, state fwk.CycleState, _ *corev1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	if a := attemptOf(state); a == nil || !a.claims.hasUnbound() {
		return fwk.NewStatus(fwk.Skip)
	}
	return nil
}

// Score is the shape's value at how full the chosen volumes would be or, where none exists yet, how full the pools that
// they come from: the average of the classes.
func (p *Plugin) Score(_ context.Context, state fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	a := attemptOf(state)
	if a == nil {
		return 0, nil
	}
	d := a.decided(node.Node().Name)
	if d == nil {
		return 0, nil
	}
	return p.shape.score(d.uses()), nil
}

// ScoreExtensions returns nil: scores are from 0 to 100 already.
func (*Plugin) ScoreExtensions() fwk.ScoreExtensions { return nil }

func (s shape) score(uses map[string]use) int64 {
	if len(uses) == 0 {
		return 0
	}
	var sum int64
	for _, use := range uses {
		sum += s.at(use.utilization())
	}
	return int64(math.Round(float64(sum) / float64(len(uses))))
}

// uses are by class. Where a volume exists for one of the claims, those that are yet to be made do not count.
func (d *decision) uses() map[string]use {
	uses := map[string]use{}
	for _, binding := range d.bindings {
		u := uses[binding.volume.Spec.StorageClassName]
		u.requested += binding.claim.Spec.Resources.Requests.Storage().Value()
		u.capacity += binding.volume.Spec.Capacity.Storage().Value()
		uses[binding.volume.Spec.StorageClassName] = u
	}
	if len(d.bindings) > 0 {
		return uses
	}
	for _, provision := range d.provisions {
		if provision.pool == nil || provision.pool.Capacity == nil {
			continue
		}
		class := volume.GetPersistentVolumeClaimClass(provision.claim)
		u := uses[class]
		u.requested += provision.claim.Spec.Resources.Requests.Storage().Value()
		u.capacity = provision.pool.Capacity.Value() // The same pool serves all claims of the class.
		uses[class] = u
	}
	return uses
}
