package daemonset

import (
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/plan"
	appsv1 "k8s.io/api/apps/v1"
)

func (p places) report(into *plan.Plan) {
	reported := p.set.DeepCopy()
	reported.Status = p.status()
	into.Status(p.set, reported)
}

// status counts the nodes by the oldest pod there. Those that are gone do not count.
func (p places) status() appsv1.DaemonSetStatus {
	s := appsv1.DaemonSetStatus{
		ObservedGeneration: p.set.Generation,
		CollisionCount:     p.set.Status.CollisionCount,
		Conditions:         p.set.Status.Conditions,
	}
	for _, place := range p.all {
		switch {
		case !place.run && len(place.pods) > 0 && place.known:
			s.NumberMisscheduled++
		case !place.run:
		case len(place.pods) == 0:
			s.DesiredNumberScheduled++
		default:
			s.DesiredNumberScheduled++
			s.CurrentNumberScheduled++
			pod := place.pods[0]
			if replicas.Ready(pod) {
				s.NumberReady++
				if p.available(pod) {
					s.NumberAvailable++
				}
			}
			if p.updated(pod) {
				s.UpdatedNumberScheduled++
			}
		}
	}
	s.NumberUnavailable = s.DesiredNumberScheduled - s.NumberAvailable
	return s
}
