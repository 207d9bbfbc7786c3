package garbagecollector

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
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

// reasonInvalidNamespace is the reason of the Warning about an owner that is in a namespace where it cannot be.
const reasonInvalidNamespace = "OwnerRefInvalidNamespace"

// Plan decides what becomes of an object.
func (c Controller) Plan(_ client.ObjectKey, w world, now time.Time) *plan.Plan {
	p := plan.New()
	switch {
	case w.obj.DeletionTimestamp != nil && has(w.obj, metav1.FinalizerOrphanDependents):
		orphan(p, w, now)
	case waiting(w.obj):
		letGo(p, w)
	case w.obj.DeletionTimestamp == nil && len(w.owners) > 0:
		report(p, w)
		c.collect(p, w)
	}
	return p
}

// orphan takes a deleted owner out of its dependents, and then lets it go.
func orphan(p *plan.Plan, w world, now time.Time) {
	plan.PatchEach(p, "their owner "+path(w.obj)+" is deleted without its dependents", w.dependents, disown(w.obj.UID))
	if age := now.Sub(w.obj.DeletionTimestamp.Time); age < settle {
		p.After(settle-age, "all of its dependents have been seen then")
		return
	}
	p.RemoveFinalizer("nothing refers to it any more", w.obj, metav1.FinalizerOrphanDependents)
}

// letGo lets an owner go, once nothing blocks its deletion. Until then it is the dependents that have something to do,
// unless they wait for the owner in turn.
func letGo(p *plan.Plan, w world) {
	switch blockers := w.blockers(); {
	case w.circle:
		p.Patch("it waits for what it owns, and that waits for it", w.obj, unblocked(w.obj))
	case len(blockers) == 0:
		p.RemoveFinalizer("all that blocked its deletion is gone", w.obj, metav1.FinalizerDeleteDependents)
	default:
		p.Because(fmt.Sprintf("its deletion waits for %s, the first of %d that block it", path(blockers[0]), len(blockers)))
	}
}

// report records that an owner is in a namespace where the object can have none.
func report(p *plan.Plan, w world) {
	for _, owner := range w.owners {
		if owner.elsewhere || owner.state == invalid {
			p.EventOnce(w.obj, plan.Warning, reasonInvalidNamespace,
				"ownerRef [%s/%s, namespace: %s, name: %s, uid: %s] does not exist in namespace %q",
				owner.APIVersion, owner.Kind, w.obj.Namespace, owner.Name, owner.UID, w.obj.Namespace)
			return
		}
	}
}

// collect deletes an object that no owner is left of, and takes such owners out of one that has others. Owners that cannot
// be looked for count as others.
func (c Controller) collect(p *plan.Plan, w world) {
	leaving, others := w.in(waits), w.in(exists, unknown, invalid)
	gone := append(w.in(dead, missing), leaving...)
	switch {
	case len(w.in(unread)) > 0:
		p.After(soon, "the objects of an owner's kind are being read")
	case len(others) > 0 && len(gone) > 0:
		wanted := w.obj.DeepCopy()
		disown(uidsOf(gone)...)(wanted)
		p.Patch(because(gone)+", and it has others", w.obj, wanted).Confirm(c.areGone(w.in(missing)))
	case len(w.in(unknown)) > 0:
		p.After(later, "the API server may know the kind of its owner "+w.in(unknown)[0].Name+" then")
	case len(w.in(exists)) > 0:
		p.Because("its owner " + w.in(exists)[0].Kind + " " + w.in(exists)[0].Name + " exists")
	case len(others) > 0:
		p.Because("its owner would have a namespace, and it has none")
	case len(leaving) > 0 && len(w.dependents) > 0:
		c.remove(p, w, metav1.DeletePropagationForeground)
	default:
		c.remove(p, w, policy(w.obj))
	}
}

// remove deletes the object, after the API server has said too that its owners are gone, and unless it has changed: it may
// have got another owner.
func (c Controller) remove(p *plan.Plan, w world, how metav1.DeletionPropagation) {
	p.Delete(because(w.owners), w.obj).Unchanged().With(client.PropagationPolicy(how)).Confirm(c.areGone(w.in(missing)))
}

func uidsOf(owners []owner) []types.UID {
	uids := make([]types.UID, len(owners))
	for i, owner := range owners {
		uids[i] = owner.UID
	}
	return uids
}

// because says in what way owners are gone.
func because(owners []owner) string {
	words := make([]string, len(owners))
	for i, owner := range owners {
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

// blockers are the dependents that keep the object waiting.
func (w world) blockers() []*metav1.PartialObjectMetadata {
	var blockers []*metav1.PartialObjectMetadata
	for _, dependent := range w.dependents {
		if blocks(dependent, w.obj.UID) {
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

// disown takes the references to some owners out of an object.
func disown(owners ...types.UID) func(*metav1.PartialObjectMetadata) {
	return func(obj *metav1.PartialObjectMetadata) {
		obj.OwnerReferences = slices.DeleteFunc(obj.OwnerReferences, func(ref metav1.OwnerReference) bool {
			return slices.Contains(owners, ref.UID)
		})
	}
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
