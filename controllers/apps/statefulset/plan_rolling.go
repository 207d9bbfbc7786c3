package statefulset

import (
	"fmt"
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// roll deletes pods of an old revision, the highest first and none below the partition, as long as no more than maxUnavailable pods are
// not available. Under Parallel those that are not available anyway go first, and cost nothing.
func (s *slots) roll(p *plan.Plan) {
	unavailable := 0
	for _, pod := range s.replicas {
		if !s.available(pod) {
			unavailable++
		}
	}
	budget := s.maxUnavailable() - unavailable
	var broken, sound []*ocorev1.Pod
	for _, pod := range slices.Backward(s.replicas[min(s.partition(), len(s.replicas)):]) {
		switch {
		case pod == nil || !s.outdated(pod) || pod.DeletionTimestamp != nil:
		case s.available(pod):
			sound = append(sound, pod)
		default:
			broken = append(broken, pod)
		}
	}
	if s.ordered() { // here all pods are available: fill has waited for them
		broken = nil
	}
	if rest := max(0, min(budget, len(sound))); rest > 0 || len(broken) > 0 {
		pods := append(broken, sound[:rest]...)
		why := fmt.Sprintf("roll to revision %s: %d pods are not available, %d may be", s.update, unavailable, s.maxUnavailable())
		remove(p, why, s.set, pods...)
	}
}

// maxUnavailable is how many pods may be unavailable in a roll: at least 1, also where a part rounds down to nothing.
func (s *slots) maxUnavailable() int {
	rolling := s.set.Spec.UpdateStrategy.RollingUpdate
	if rolling == nil || rolling.MaxUnavailable == nil {
		return 1
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(rolling.MaxUnavailable, desired(s.set), false)
	if err != nil { // the API refuses it
		return 1
	}
	return max(1, n)
}
