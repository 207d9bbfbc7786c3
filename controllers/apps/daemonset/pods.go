package daemonset

import (
	"cmp"
	"slices"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	appsv1 "k8s.io/api/apps/v1"
)

// place is a node, with the pods of a DaemonSet there and whether they are to be.
type place struct {
	name string
	// known says that there is a node of the name.
	known bool
	// run says that there is to be a pod, and keep that one which is there may stay.
	run, keep bool
	// pods are all there are, the oldest first.
	pods []*ocorev1.Pod
	// failing is since when there has been no ready pod where there is one; zero if there is a ready one.
	failing time.Time
}

// places are the nodes that a DaemonSet has to do with, by name: those that there are, and those that are gone and have pods.
type places struct {
	set  *oappsv1.DaemonSet
	hash string // of the newest revision
	now  time.Time
	all  []*place
}

func newPlaces(set *oappsv1.DaemonSet, w world, hash string, now time.Time) places {
	p := places{set: set, hash: hash, now: now}
	fitting, byName := newFitting(set), map[string]*place{}
	for _, node := range w.nodes {
		run, keep := fitting.fits(node)
		byName[node.Name] = &place{name: node.Name, known: true, run: run, keep: keep, failing: w.failing[node.Name]}
		p.all = append(p.all, byName[node.Name])
	}
	for _, pod := range w.pods.Held {
		node := nodeOf(pod)
		if byName[node] == nil {
			byName[node] = &place{name: node}
			p.all = append(p.all, byName[node])
		}
		byName[node].pods = append(byName[node].pods, pod)
	}
	for _, place := range p.all {
		slices.SortFunc(place.pods, olderFirst)
	}
	return p
}

// olderFirst has pods that are bound before those that are not, and then the older first.
func olderFirst(a, b *ocorev1.Pod) int {
	bound := func(pod *ocorev1.Pod) int {
		if pod.Spec.NodeName != "" {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(bound(a), bound(b)), a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}

// updated reports that a pod is of the newest revision.
func (p places) updated(pod *ocorev1.Pod) bool {
	return pod.Labels[appsv1.DefaultDaemonSetUniqueLabelKey] == p.hash
}

func (p places) available(pod *ocorev1.Pod) bool {
	return pod != nil && replicas.Available(pod, p.set.Spec.MinReadySeconds, p.now)
}

// staying are the pods of a place that are not being deleted.
func (pl *place) staying() []*ocorev1.Pod {
	return slices.DeleteFunc(slices.Clone(pl.pods), func(pod *ocorev1.Pod) bool { return pod.DeletionTimestamp != nil })
}

// byRevision are the pod of the newest revision and the one of another at a place, of those that are not being deleted; nil where there
// is none. It is false where there are several of either, which have to be settled first.
func (p places) byRevision(pl *place) (newPod, oldPod *ocorev1.Pod, settled bool) {
	for _, pod := range pl.staying() {
		which := &oldPod
		if p.updated(pod) {
			which = &newPod
		}
		if *which != nil {
			return nil, nil, false
		}
		*which = pod
	}
	return newPod, oldPod, true
}

// podFor is a pod for a node, of the newest revision.
func (p places) podFor(node string) *ocorev1.Pod {
	pod := podtemplate.Pod(p.set, &p.set.Spec.Template)
	if pod.Labels == nil {
		pod.Labels = map[string]string{}
	}
	pod.Labels[appsv1.DefaultDaemonSetUniqueLabelKey] = p.hash
	if generation := p.set.Annotations[appsv1.DeprecatedTemplateGeneration]; generation != "" {
		pod.Labels["pod-template-generation"] = generation // what DaemonSets' pods of before revisions are told by
	}
	tolerate(&pod.Spec)
	bindTo(&pod.Spec, node)
	return pod
}
