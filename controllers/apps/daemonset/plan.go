package daemonset

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
	"k8s.io/utils/ptr"
)

const (
	// burst is how many pods are created or deleted in one pass at most.
	burst = 250
	// longestBackoff is how long a failed pod lies about at most until it is replaced, and shortestBackoff at least.
	longestBackoff, shortestBackoff = 15 * time.Minute, time.Second
)

// Plan settles revisions and claims, puts pods where they are missing and takes them from where they may not be, rolls, and reports.
func (Controller) Plan(set *oappsv1.DaemonSet, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if set.Spec.Selector == nil || len(set.Spec.Selector.MatchLabels)+len(set.Spec.Selector.MatchExpressions) == 0 {
		p.EventOnce(set, plan.Warning, reasonSelectingAll, "This daemon set is selecting all pods. A non-empty selector is required.")
		return p
	}
	if !podcontrol.Selects(p, set, set.Spec.Selector, &set.Spec.Template) {
		return p
	}
	if w.revisions.Open() || w.pods.Open() {
		w.revisions.Settle(p, set)
		w.pods.Settle(p, set)
		return p // whoever belongs to the DaemonSet is decided: the next pass counts them
	}
	history := revisions.HistoryOf(w.revisions.Held)
	newest, collided := newestOf(p, set, history, w)
	if collided {
		reported := set.DeepCopy()
		more := ptr.Deref(set.Status.CollisionCount, 0) + 1
		reported.Status.CollisionCount = &more
		p.Status(set, reported)
		return p
	}
	pl := newPlaces(set, w, newest.Labels[appsv1.DefaultDaemonSetUniqueLabelKey], now)
	if set.DeletionTimestamp == nil {
		pl.proceed(p)
		history.Truncate(p, *set.Spec.RevisionHistoryLimit, pl.uses)
	}
	pl.report(p)
	return p
}

// newestOf is the newest revision, which is planned where there is none. A DaemonSet that is being deleted makes none.
func newestOf(p *plan.Plan, set *oappsv1.DaemonSet, history revisions.History, w world) (newestRevision *oappsv1.ControllerRevision, collided bool) {
	wanted := newest(set)
	if set.DeletionTimestamp == nil {
		return history.Settle(p, set, wanted, w.namesake)
	}
	if same := history.Same(wanted); same != nil {
		return same, false
	}
	return wanted, false
}

// uses reports that a revision is in use.
func (p places) uses(revision *oappsv1.ControllerRevision) bool {
	hash := revision.Labels[appsv1.DefaultDaemonSetUniqueLabelKey]
	if hash == p.hash {
		return true
	}
	for _, place := range p.all {
		for _, pod := range place.pods {
			if pod.Labels[appsv1.DefaultDaemonSetUniqueLabelKey] == hash {
				return true
			}
		}
	}
	return false
}

// change is which pods are to go, and which nodes are to get one.
type change struct {
	remove []*ocorev1.Pod
	create []string
}

// proceed puts pods in their places; and, where all are, rolls.
func (p places) proceed(into *plan.Plan) {
	var pods []*ocorev1.Pod
	var todo change
	for _, place := range p.all {
		p.settle(into, place, &todo)
		pods = append(pods, place.pods...)
	}
	if len(todo.remove)+len(todo.create) == 0 && p.set.Spec.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType {
		todo = p.roll()
	}
	p.act(into, todo)
	if wait, ok := replicas.UntilAvailable(pods, p.set.Spec.MinReadySeconds, p.now); ok {
		into.After(wait, "another pod will have been ready for minReadySeconds")
	}
}

func (p places) act(into *plan.Plan, todo change) {
	remove := todo.remove[:min(len(todo.remove), burst)]
	podcontrol.Delete(into, fmt.Sprintf("%d pods have to go", len(todo.remove)), p.set, remove)
	create := make([]*ocorev1.Pod, 0, min(len(todo.create), burst))
	for _, node := range todo.create[:min(len(todo.create), burst)] {
		create = append(create, p.podFor(node))
	}
	podcontrol.Create(into, fmt.Sprintf("%d nodes have no pod that is to be there", len(todo.create)), p.set, p.set.Spec.Selector, create)
}

// settle sees to one place: a pod where there is to be one, and no more than there may be.
func (p places) settle(into *plan.Plan, place *place, todo *change) {
	if !place.keep {
		todo.remove = append(todo.remove, place.staying()...)
		return
	}
	if place.run && len(place.pods) == 0 {
		todo.create = append(todo.create, place.name)
		return
	}
	var running []*ocorev1.Pod
	for _, pod := range place.staying() {
		if p.replace(into, place, pod, todo) {
			continue
		}
		running = append(running, pod)
	}
	if p.surges() {
		p.settleSurge(place, running, todo)
	} else if len(running) > 1 {
		todo.remove = append(todo.remove, running[1:]...)
	}
}

// replace removes a pod that has ended, and reports that it has. A failed one lies about for a while.
func (p places) replace(into *plan.Plan, place *place, pod *ocorev1.Pod, todo *change) (ended bool) {
	switch pod.Status.Phase {
	case corev1.PodSucceeded:
		into.Event(p.set, plan.Normal, reasonSucceeded, "Found succeeded daemon pod %s/%s on node %s, will try to delete it", pod.Namespace, pod.Name, place.name)
	case corev1.PodFailed:
		if wait := place.backoff(p.now); wait > 0 {
			into.After(wait, fmt.Sprintf("the failed pod on node %s has lain about for long enough", place.name))
			return true
		}
		into.Event(p.set, plan.Warning, reasonFailed, "Found failed daemon pod %s/%s on node %s, will try to kill it", pod.Namespace, pod.Name, place.name)
	default:
		return false
	}
	todo.remove = append(todo.remove, pod)
	return true
}

// backoff is how much longer a failed pod has to lie about: as long as there was no ready pod before it was made, so that it doubles each
// time.
func (pl *place) backoff(now time.Time) time.Duration {
	if len(pl.pods) == 0 || pl.failing.IsZero() {
		return 0
	}
	made := pl.pods[len(pl.pods)-1].CreationTimestamp.Time
	pause := max(shortestBackoff, min(longestBackoff, made.Sub(pl.failing)))
	return made.Add(pause).Sub(now)
}
