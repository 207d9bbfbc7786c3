package garbagecollector

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// appeared concerns the object, and dependents that were seen before it.
func (g *graph) appeared(n *node) []id {
	var woken []id
	for dependent := range g.dependents[n.uid] {
		woken = g.appendConcerned(woken, dependent)
	}
	return g.appendConcerned(woken, n)
}

// vanished concerns the dependents, and owners that wait for them.
func (g *graph) vanished(n *node) []id {
	woken := g.dependentsOf(n)
	if len(woken) > 0 {
		g.bury(n.uid, n.id)
	}
	return append(woken, g.waitingOwners(n)...)
}

// changed concerns the object, if it is about what counts; its dependents, if it begins to wait for them; and the owners
// that it may have kept waiting.
func (g *graph) changed(before, after *node) []id {
	owners := slices.EqualFunc(before.owners, after.owners, sameReference)
	var woken []id
	if !owners || !slices.Equal(before.finalizers, after.finalizers) || (before.deleted == nil) != (after.deleted == nil) {
		woken = g.appendConcerned(woken, after)
	}
	if after.waits() && !before.waits() {
		woken = append(woken, g.dependentsOf(after)...)
	}
	if !owners {
		woken = append(woken, g.waitingOwners(before)...)
	}
	return woken
}

// appendConcerned adds an object for which there may be something to do: one that is held, and one that has an owner which is
// not seen to be there for good. So it costs no pass that a pod is made whose ReplicaSet has been seen.
func (g *graph) appendConcerned(woken []id, n *node) []id {
	if n.held() || n.deleted == nil && slices.ContainsFunc(n.owners, func(ref metav1.OwnerReference) bool { return !g.stands(n, ref) }) {
		return append(woken, n.id)
	}
	return woken
}

// stands reports that the owner which an object refers to is there, where the reference says, and does not wait. An owner
// that is given by another name of its kind is left for a pass to find.
func (g *graph) stands(n *node, ref metav1.OwnerReference) bool {
	owner := g.byUID[ref.UID]
	if owner == nil || owner.waits() || owner.Name != ref.Name || owner.Namespace != "" && owner.Namespace != n.Namespace {
		return false
	}
	kind, ok := kindNamedBy(ref)
	return ok && kind == owner.Kind.GroupKind()
}

func sameReference(a, b metav1.OwnerReference) bool {
	return a.UID == b.UID && a.Name == b.Name && a.Kind == b.Kind && a.APIVersion == b.APIVersion &&
		ptr.Equal(a.BlockOwnerDeletion, b.BlockOwnerDeletion)
}

func (g *graph) dependentsOf(n *node) []id {
	ids := make([]id, 0, len(g.dependents[n.uid]))
	for dependent := range g.dependents[n.uid] {
		ids = append(ids, dependent.id)
	}
	return ids
}

func (g *graph) waitingOwners(n *node) []id {
	var ids []id
	for _, ref := range n.owners {
		if owner := g.byUID[ref.UID]; owner != nil && owner.waits() {
			ids = append(ids, owner.id)
		}
	}
	return ids
}
