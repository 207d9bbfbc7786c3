package statefulset

import (
	"fmt"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podcontrol"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/controllers/internal/revisions"
	"github.com/orrery-dev/orrery/framework/plan"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Plan settles revisions and claims, makes and takes away pods in order, rolls, and reports.
func (Controller) Plan(set *oappsv1.StatefulSet, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if !podcontrol.Selects(p, set, set.Spec.Selector, &set.Spec.Template) {
		return p
	}
	if w.revisions.Open() || w.pods.Open() {
		w.revisions.Settle(p, set)
		w.pods.Settle(p, set)
		return p // whoever belongs to the StatefulSet is decided: the next pass counts them
	}
	history := revisions.HistoryOf(w.revisions.Held)
	update, collided := newestOf(p, set, history, w)
	if collided {
		reported := set.DeepCopy()
		more := *collisions(set) + 1
		reported.Status.CollisionCount = &more
		p.Status(set, reported)
		return p
	}
	current := update
	if named := history.Named(set.Status.CurrentRevision); named != nil {
		current = named.Name
	}
	s := newSlots(set, w, current, update, now)
	if set.DeletionTimestamp == nil {
		s.proceed(p)
		history.Truncate(p, *set.Spec.RevisionHistoryLimit, s.uses)
	}
	s.report(p)
	return p
}

// newestOf is the name of the newest revision, which is planned where there is none. A StatefulSet that is being deleted makes none.
func newestOf(p *plan.Plan, set *oappsv1.StatefulSet, history revisions.History, w world) (name string, collided bool) {
	if set.DeletionTimestamp != nil {
		if same := history.Same(newest(set)); same != nil {
			return same.Name, false
		}
		return set.Status.UpdateRevision, false
	}
	revision, collided := history.Settle(p, set, newest(set), w.namesake)
	if collided {
		return "", true
	}
	return revision.Name, false
}

// uses reports that a revision is in use.
func (s *slots) uses(revision *oappsv1.ControllerRevision) bool {
	if revision.Name == s.current || revision.Name == s.update {
		return true
	}
	for _, pod := range s.w.pods.Held {
		if revisionOf(pod) == revision.Name {
			return true
		}
	}
	return false
}

// proceed makes what is missing, takes away what is too much, and then rolls. In order, each waits for the one before it.
func (s *slots) proceed(p *plan.Plan) {
	if wait, ok := replicas.UntilAvailable(s.w.pods.Held, s.set.Spec.MinReadySeconds, s.now); ok {
		p.After(wait, "another pod will have been ready for minReadySeconds")
	}
	for _, pod := range s.replicas {
		s.retain(p, pod, false)
	}
	for _, pod := range s.condemned {
		s.retain(p, pod, true)
	}
	for slot := range s.replicas {
		if s.fill(p, slot) && s.ordered() {
			return
		}
	}
	for _, pod := range s.condemned {
		s.takeAway(p, pod)
		if s.ordered() {
			return // one at a time
		}
	}
	if s.set.Spec.UpdateStrategy.Type != appsv1.OnDeleteStatefulSetStrategyType {
		s.roll(p)
	}
}

// fill sees to the pod of a slot, and reports that the next one has to wait for it.
func (s *slots) fill(p *plan.Plan, slot int) (waits bool) {
	pod := s.replicas[slot]
	switch {
	case pod == nil:
		s.make(p, slot)
		return true
	case replicas.Ended(pod):
		if pod.DeletionTimestamp == nil {
			remove(p, fmt.Sprintf("it has ended as %s, and is made anew", pod.Status.Phase), s.set, pod)
		}
		return true
	case pod.DeletionTimestamp != nil:
		p.Because(fmt.Sprintf("pod %s is being deleted", pod.Name))
		return true
	}
	ordinal := first(s.set) + slot
	if pod.Status.Phase == corev1.PodPending {
		s.claim(p, pod, ordinal)
	}
	if !s.available(pod) && s.ordered() {
		p.Because(fmt.Sprintf("pod %s is not available", pod.Name))
		return true
	}
	identified := pod.DeepCopy()
	s.identify(identified, ordinal)
	p.Patch("its labels say which pod of the StatefulSet it is", pod, identified)
	return !s.available(pod)
}

// make creates the pod of a slot, after its claims. A claim that is about to go has to go first, and so has a pod of somebody else's with
// the name.
func (s *slots) make(p *plan.Plan, slot int) {
	pod, ordinal := s.missing(slot), first(s.set)+slot
	if s.w.strangers[pod.Name] != nil {
		p.EventOnce(s.set, plan.Warning, reasonNotCreated, failedToCreate, pod.Name, s.set.Name, "a pod that is not its own has the name")
		p.Because(fmt.Sprintf("a pod that is not its own has the name %s", pod.Name))
		return
	}
	for _, claim := range volumesOf(s.set, ordinal) {
		there := s.w.volumes[claim.Name]
		switch {
		case there == nil:
		case there.DeletionTimestamp != nil:
			p.EventOnce(s.set, plan.Warning, reasonNotCreated, failedToCreate, pod.Name, s.set.Name, fmt.Sprintf("pvc %s is being deleted", claim.Name))
			p.Because(fmt.Sprintf("claim %s of pod %s is being deleted", claim.Name, pod.Name))
			return
		case stale(s.set, there, pod): // whatever the policy says now, its owner is gone
			p.Because(fmt.Sprintf("claim %s is that of a former pod %s, and goes with it", claim.Name, pod.Name))
			return
		}
	}
	s.claim(p, pod, ordinal)
	create(p, fmt.Sprintf("%d pods of %d desired", len(s.w.pods.Held)-len(s.condemned), desired(s.set)), s.set, pod)
}

// claim creates the claims of a pod that are missing.
func (s *slots) claim(p *plan.Plan, pod *ocorev1.Pod, ordinal int) {
	for _, claim := range volumesOf(s.set, ordinal) {
		if s.w.volumes[claim.Name] == nil {
			createClaim(p, s.set, pod, claim)
		}
	}
}

// retain sees to it that the claims of a pod have the owners that the retention policy says.
func (s *slots) retain(p *plan.Plan, pod *ocorev1.Pod, condemned bool) {
	if pod == nil {
		return
	}
	for i := range s.set.Spec.VolumeClaimTemplates {
		claim := s.w.volumes[volumeName(s.set, &s.set.Spec.VolumeClaimTemplates[i], s.ordinal(pod))]
		if claim == nil || stale(s.set, claim, pod) {
			continue
		}
		bySet, byPod, conflict := owners(s.set, claim, pod, condemned)
		if conflict {
			p.EventOnce(s.set, plan.Warning, reasonConflict, "PersistentVolumeClaim %s has a conflicting OwnerReference that acts as a managing controller, "+
				"the retention policy is ignored for this claim", claim.Name)
		}
		if !owned(claim, s.set, bySet) || !owned(claim, pod, byPod) {
			p.Do(&own{claim: claim, set: s.set, pod: pod, bySet: bySet, byPod: byPod})
		}
	}
}

// takeAway deletes a pod beyond the number. In order, it goes when all others are available, but for itself.
func (s *slots) takeAway(p *plan.Plan, pod *ocorev1.Pod) {
	switch {
	case pod.DeletionTimestamp != nil:
		p.Because(fmt.Sprintf("pod %s is being deleted", pod.Name))
	case s.ordered() && !s.available(pod) && pod != s.firstUnavailable():
		p.Because(fmt.Sprintf("pod %s is not available, and is not the first that is not", pod.Name))
	default:
		remove(p, fmt.Sprintf("%d pods, %d desired", len(s.w.pods.Held), desired(s.set)), s.set, pod)
	}
}

// firstUnavailable is the pod of the lowest number that is not available; nil if all are.
func (s *slots) firstUnavailable() *ocorev1.Pod {
	for _, pod := range s.replicas {
		if pod != nil && !s.available(pod) {
			return pod
		}
	}
	for i := len(s.condemned) - 1; i >= 0; i-- {
		if !s.available(s.condemned[i]) {
			return s.condemned[i]
		}
	}
	return nil
}
