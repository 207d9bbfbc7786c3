package garbagecollector

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// soon is when an owner's kind will have been read.
	soon = time.Second
	// settle is how long an owner that orphans is held at least: the watch of a dependent that was made right before may
	// be behind that of its owner, and what is not seen would be collected.
	settle = 1500 * time.Millisecond
	// later is when the server may have got a kind that it does not know.
	later = 30 * time.Second
)

// Plan decides what becomes of an object.
func (c *controller) Plan(obj *metav1.PartialObjectMetadata, w world, now time.Time) *plan.Plan {
	p := plan.New()
	switch {
	case obj.DeletionTimestamp != nil && has(obj, metav1.FinalizerOrphanDependents):
		orphan(p, obj, w, now)
	case waiting(obj):
		letGo(p, obj, w)
	case obj.DeletionTimestamp == nil && len(w.owners) > 0:
		c.report(p, obj, w)
		collect(p, obj, w)
	}
	return p
}

// orphan takes a deleted owner out of its dependents, and then lets it go.
func orphan(p *plan.Plan, obj *metav1.PartialObjectMetadata, w world, now time.Time) {
	for _, dependent := range w.dependents {
		p.Patch("its owner "+path(obj)+" is deleted without its dependents", dependent, without(dependent, obj.UID))
	}
	if age := now.Sub(obj.DeletionTimestamp.Time); age < settle {
		p.After(settle-age, "all of its dependents have been seen then")
		return
	}
	p.Patch("nothing refers to it any more", obj, withoutFinalizer(obj, metav1.FinalizerOrphanDependents))
}

// letGo lets an owner go, once nothing blocks its deletion. Until then it is the dependents that have something to do,
// unless they wait for the owner in turn.
func letGo(p *plan.Plan, obj *metav1.PartialObjectMetadata, w world) {
	switch {
	case w.circle:
		p.Patch("it waits for what it owns, and that waits for it", obj, unblocked(obj))
	case len(w.blockers(obj)) == 0:
		p.Patch("all that blocked its deletion is gone", obj, withoutFinalizer(obj, metav1.FinalizerDeleteDependents))
	}
}

// collect deletes an object that no owner is left of, and takes such owners out of one that has others. Owners that cannot
// be looked for count as others.
func collect(p *plan.Plan, obj *metav1.PartialObjectMetadata, w world) {
	leaving := w.in(waits)
	gone := w.in(dead, missing)
	others := w.in(exists, unknown, invalid)
	switch {
	case len(w.in(unread)) > 0:
		p.After(soon, "the objects of an owner's kind are being read")
	case len(others) > 0 && len(gone)+len(leaving) > 0:
		p.Do(&disown{obj: obj, owners: append(gone, leaving...)})
	case len(others) > 0 && len(w.in(unknown)) > 0:
		p.After(later, "the API server may know the kind of its owner "+w.in(unknown)[0].Name+" then")
	case len(others) > 0:
	case len(leaving) > 0 && len(w.dependents) > 0:
		p.Do(&remove{obj: obj, policy: metav1.DeletePropagationForeground, gone: gone, why: because(w)})
	default:
		p.Do(&remove{obj: obj, policy: policy(obj), gone: gone, why: because(w)})
	}
}

// because says in what way the owners are gone.
func because(w world) string {
	words := make([]string, len(w.owners))
	for i, owner := range w.owners {
		end := "is gone"
		if owner.state == waits {
			end = "is deleted with its dependents"
		}
		words[i] = fmt.Sprintf("its owner %s %s %s", owner.Kind, owner.Name, end)
	}
	return strings.Join(words, ", ")
}

// policy is how to delete an object: the way somebody has asked for before, or in the background.
func policy(obj *metav1.PartialObjectMetadata) metav1.DeletionPropagation {
	switch {
	case has(obj, metav1.FinalizerOrphanDependents):
		return metav1.DeletePropagationOrphan
	case has(obj, metav1.FinalizerDeleteDependents):
		return metav1.DeletePropagationForeground
	default:
		return metav1.DeletePropagationBackground
	}
}

// in are the owners in one of some states.
func (w world) in(states ...state) []owner {
	var owners []owner
	for _, owner := range w.owners {
		if slices.Contains(states, owner.state) {
			owners = append(owners, owner)
		}
	}
	return owners
}

// mayBeHeld reports that an object might be deleted in the foreground: only owners that wait are left.
func (w world) mayBeHeld() bool {
	return len(w.in(waits)) > 0 && len(w.in(exists, unread, unknown, invalid)) == 0
}

func has(obj *metav1.PartialObjectMetadata, finalizer string) bool {
	return slices.Contains(obj.Finalizers, finalizer)
}

// waiting reports that an object is held until its dependents are gone.
func waiting(obj *metav1.PartialObjectMetadata) bool {
	return obj.DeletionTimestamp != nil && has(obj, metav1.FinalizerDeleteDependents)
}

// held reports that an object is deleted, and held for its dependents one way or the other.
func held(obj *metav1.PartialObjectMetadata) bool {
	return waiting(obj) || obj.DeletionTimestamp != nil && has(obj, metav1.FinalizerOrphanDependents)
}

// blockers are the dependents that keep an object waiting.
func (w world) blockers(obj *metav1.PartialObjectMetadata) []*metav1.PartialObjectMetadata {
	var blockers []*metav1.PartialObjectMetadata
	for _, dependent := range w.dependents {
		if blocks(dependent, obj.UID) {
			blockers = append(blockers, dependent)
		}
	}
	return blockers
}

// blocks reports that a dependent keeps an owner that waits.
func blocks(dependent *metav1.PartialObjectMetadata, owner types.UID) bool {
	return slices.ContainsFunc(dependent.OwnerReferences, func(ref metav1.OwnerReference) bool {
		return ref.UID == owner && ref.BlockOwnerDeletion != nil && *ref.BlockOwnerDeletion
	})
}

// without is an object without some owners.
func without(obj *metav1.PartialObjectMetadata, owners ...types.UID) *metav1.PartialObjectMetadata {
	wanted := obj.DeepCopy()
	wanted.OwnerReferences = slices.DeleteFunc(wanted.OwnerReferences, func(ref metav1.OwnerReference) bool {
		return slices.Contains(owners, ref.UID)
	})
	return wanted
}

func withoutFinalizer(obj *metav1.PartialObjectMetadata, finalizer string) *metav1.PartialObjectMetadata {
	wanted := obj.DeepCopy()
	wanted.Finalizers = slices.DeleteFunc(wanted.Finalizers, func(f string) bool { return f == finalizer })
	return wanted
}

// unblocked is an object that keeps no owner waiting.
func unblocked(obj *metav1.PartialObjectMetadata) *metav1.PartialObjectMetadata {
	wanted := obj.DeepCopy()
	for i := range wanted.OwnerReferences {
		if wanted.OwnerReferences[i].BlockOwnerDeletion != nil {
			wanted.OwnerReferences[i].BlockOwnerDeletion = new(bool)
		}
	}
	return wanted
}

func path(obj *metav1.PartialObjectMetadata) string {
	if obj.Namespace == "" {
		return obj.Kind + " " + obj.Name
	}
	return obj.Kind + " " + obj.Namespace + "/" + obj.Name
}
