package daemonset

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// desired is how many nodes are to have a pod.
func (p places) desired() int {
	n := 0
	for _, place := range p.all {
		if place.run {
			n++
		}
	}
	return n
}

// limits are maxSurge and maxUnavailable as numbers. Where both are none, one pod may be unavailable, or nothing would ever be rolled.
func (p places) limits() (surge, unavailable int) {
	rolling := p.set.Spec.UpdateStrategy.RollingUpdate
	if rolling == nil {
		return 0, 1
	}
	scaled := func(value *intstr.IntOrString, otherwise int) int {
		n, err := intstr.GetScaledValueFromIntOrPercent(intstr.ValueOrDefault(value, intstr.FromInt(otherwise)), p.desired(), true)
		if err != nil { // the API refuses it
			return otherwise
		}
		return n
	}
	surge, unavailable = scaled(rolling.MaxSurge, 0), scaled(rolling.MaxUnavailable, 1)
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge, unavailable
}

func (p places) surges() bool {
	surge, _ := p.limits()
	return surge > 0
}

// roll says which pods of old revisions have to go, or which nodes get a new pod beside the old one.
func (p places) roll() change {
	surge, unavailable := p.limits()
	if surge > 0 {
		return p.rollBySurge(surge)
	}
	return p.rollByUnavailability(unavailable)
}

// rollByUnavailability deletes pods of old revisions: those that are not available, and as many of the others as may be missing.
func (p places) rollByUnavailability(most int) change {
	var broken, sound []*ocorev1.Pod
	missing := 0
	for _, place := range p.all {
		if !place.run && len(place.pods) == 0 {
			continue
		}
		newPod, oldPod, settled := p.byRevision(place)
		switch {
		case !settled, (newPod == nil) == (oldPod == nil):
			missing++ // it is being settled, and counts as missing meanwhile
		case newPod != nil:
			if !p.available(newPod) {
				missing++
			}
		case p.available(oldPod):
			sound = append(sound, oldPod)
		default:
			broken = append(broken, oldPod)
			missing++
		}
	}
	return change{remove: append(broken, sound[:max(0, min(most-missing, len(sound)))]...)}
}

// rollBySurge puts new pods beside old ones, up to a number of nodes at a time besides those whose old pod is not available; and deletes
// an old pod when the new one is available. A node that is being left keeps its pod until as many are available as there shall be.
func (p places) rollBySurge(most int) change {
	var todo change
	var candidates []string
	var leaving []*ocorev1.Pod
	surging, available := 0, 0
	for _, place := range p.all {
		newPod, oldPod, settled := p.byRevision(place)
		if !settled {
			surging++
			continue
		}
		if p.available(oldPod) || oldPod == nil && p.available(newPod) {
			available++
		}
		switch {
		case oldPod == nil:
		case newPod != nil && p.available(newPod):
			todo.remove = append(todo.remove, oldPod)
		case newPod != nil:
			surging++
		case !place.run && p.available(oldPod):
			leaving = append(leaving, oldPod)
		case !place.run:
			todo.remove = append(todo.remove, oldPod)
		case p.available(oldPod):
			candidates = append(candidates, place.name)
		default:
			todo.create = append(todo.create, place.name)
		}
	}
	todo.remove = append(todo.remove, leaving[:max(0, min(available-p.desired(), len(leaving)))]...)
	todo.create = append(todo.create, candidates[:max(0, min(most-surging, len(candidates)))]...)
	return todo
}

// settleSurge leaves at most two pods in a place: one of an old revision, while it is ready, until one of the newest is available.
func (p places) settleSurge(place *place, running []*ocorev1.Pod, todo *change) {
	if len(running) == 0 {
		if place.run {
			todo.create = append(todo.create, place.name)
		}
		return
	}
	var newPod, oldPod *ocorev1.Pod
	for _, pod := range running {
		which := &oldPod
		if p.updated(pod) {
			which = &newPod
		}
		if *which == nil {
			*which = pod
		} else {
			todo.remove = append(todo.remove, pod)
		}
	}
	if newPod != nil && oldPod != nil && (!replicas.Ready(oldPod) || p.available(newPod)) {
		todo.remove = append(todo.remove, oldPod)
	}
}
