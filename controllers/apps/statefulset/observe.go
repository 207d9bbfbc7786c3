package statefulset

import (
	"context"
	"fmt"
	"slices"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	"github.com/orrery-dev/orrery/controllers/internal/revisions"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what a StatefulSet has, and what it might have.
type world struct {
	// revisions are those of its template, and those that it is about to adopt or release.
	revisions ownership.Claims[*oappsv1.ControllerRevision]
	// namesake is the revision, whosever it is, that has the name of the newest one; nil if there is none.
	namesake *oappsv1.ControllerRevision
	// current is the template of the revision that is being rolled away from; nil if there is none, or if it is unknown.
	current *corev1.PodTemplateSpec
	// pods are those with a number, ended or not, and those that it is about to adopt or release.
	pods ownership.Claims[*ocorev1.Pod]
	// strangers are pods of others that have the names of pods which are missing.
	strangers map[string]*ocorev1.Pod
	// volumes are the claims that there are for its pods, those it has and those it shall have, by name.
	volumes map[string]*ocorev1.PersistentVolumeClaim
}

// Observe reads the revisions, the pods and the claims.
func (Controller) Observe(ctx context.Context, view loop.View, set *oappsv1.StatefulSet) (world, error) {
	var w world
	var err error
	if w.revisions, err = ownership.Observe[*oappsv1.ControllerRevision](ctx, view, set, set.Spec.Selector, &oappsv1.ControllerRevisionList{}); err != nil {
		return world{}, err
	}
	if w.namesake, err = read(ctx, view, set.Namespace, newest(set).Name, &oappsv1.ControllerRevision{}); err != nil {
		return world{}, err
	}
	if current := revisions.HistoryOf(w.revisions.Held).Named(set.Status.CurrentRevision); current != nil {
		if w.current, err = revisions.Template(current); err != nil {
			return world{}, plan.Stop(err)
		}
	}
	pods, err := ownership.Observe[*ocorev1.Pod](ctx, view, set, set.Spec.Selector, &ocorev1.PodList{})
	if err != nil {
		return world{}, err
	}
	w.pods = pods.Where(func(pod *ocorev1.Pod) bool { _, numbered := podtemplate.Ordinal(set.Name, pod.Name); return numbered })
	if w.strangers, err = readStrangers(ctx, view, set, w.pods.Held); err != nil {
		return world{}, err
	}
	w.volumes, err = readVolumes(ctx, view, set, w.pods.Held)
	return w, err
}

// readStrangers reads the pods that are where pods of the StatefulSet are missing.
func readStrangers(ctx context.Context, view loop.View, set *oappsv1.StatefulSet, pods []*ocorev1.Pod) (map[string]*ocorev1.Pod, error) {
	strangers := map[string]*ocorev1.Pod{}
	for slot := range desired(set) {
		name := podtemplate.OrdinalName(set.Name, first(set)+slot)
		if slices.ContainsFunc(pods, func(pod *ocorev1.Pod) bool { return pod.Name == name }) {
			continue
		}
		stranger, err := read(ctx, view, set.Namespace, name, &ocorev1.Pod{})
		if err != nil {
			return nil, err
		}
		if stranger != nil {
			strangers[name] = stranger
		}
	}
	return strangers, nil
}

// newest is the revision of the template as it is, not numbered yet.
func newest(set *oappsv1.StatefulSet) *oappsv1.ControllerRevision {
	return revisions.New(set, &set.Spec.Template, revisions.HashLabel, revisions.Hash(revisions.Data(&set.Spec.Template), collisions(set)))
}

func collisions(set *oappsv1.StatefulSet) *int32 {
	if set.Status.CollisionCount == nil {
		return new(int32)
	}
	return set.Status.CollisionCount
}

// readVolumes reads the claims of pods that there are and of those that shall be.
func readVolumes(ctx context.Context, view loop.View, set *oappsv1.StatefulSet, pods []*ocorev1.Pod) (map[string]*ocorev1.PersistentVolumeClaim, error) {
	volumes := map[string]*ocorev1.PersistentVolumeClaim{}
	if len(set.Spec.VolumeClaimTemplates) == 0 {
		return volumes, nil
	}
	ordinals := map[int]bool{}
	for i := range desired(set) {
		ordinals[first(set)+i] = true
	}
	for _, pod := range pods {
		if ordinal, ok := podtemplate.Ordinal(set.Name, pod.Name); ok {
			ordinals[ordinal] = true
		}
	}
	for ordinal := range ordinals {
		for i := range set.Spec.VolumeClaimTemplates {
			name := volumeName(set, &set.Spec.VolumeClaimTemplates[i], ordinal)
			claim, err := read(ctx, view, set.Namespace, name, &ocorev1.PersistentVolumeClaim{})
			if err != nil {
				return nil, err
			}
			if claim != nil {
				volumes[name] = claim
			}
		}
	}
	return volumes, nil
}

// read reads an object by its name; nil if there is none.
func read[T client.Object](ctx context.Context, from client.Reader, namespace, name string, into T) (T, error) {
	var none T
	err := from.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, into)
	switch {
	case err == nil:
		return into, nil
	case apierrors.IsNotFound(err):
		return none, nil
	default:
		return none, fmt.Errorf("reading %T %s/%s: %w", into, namespace, name, err)
	}
}
