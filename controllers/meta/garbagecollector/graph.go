package garbagecollector

import (
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// obituaries is how many UIDs of owners that were seen to go are remembered.
const obituaries = 4096

// id is where an object is found.
type id struct {
	Kind schema.GroupVersionKind
	client.ObjectKey
}

// node is what counts of an object. It is never changed.
type node struct {
	id
	uid        types.UID
	version    string
	owners     []metav1.OwnerReference
	finalizers []string
	deleted    *metav1.Time
}

func nodeOf(kind schema.GroupVersionKind, obj metav1.Object) *node {
	return &node{
		id:         id{kind, client.ObjectKey{Namespace: obj.GetNamespace(), Name: obj.GetName()}},
		uid:        obj.GetUID(),
		version:    obj.GetResourceVersion(),
		owners:     obj.GetOwnerReferences(),
		finalizers: obj.GetFinalizers(),
		deleted:    obj.GetDeletionTimestamp(),
	}
}

// into writes a node into an object of its own.
func (n *node) into(obj *metav1.PartialObjectMetadata) {
	*obj = metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace:         n.Namespace,
		Name:              n.Name,
		UID:               n.uid,
		ResourceVersion:   n.version,
		OwnerReferences:   n.owners,
		Finalizers:        n.finalizers,
		DeletionTimestamp: n.deleted,
	}}
	obj.ObjectMeta = *obj.ObjectMeta.DeepCopy()
	obj.SetGroupVersionKind(n.Kind)
}

// waits reports that an object is held until its dependents are gone.
func (n *node) waits() bool {
	return n.deleted != nil && slices.Contains(n.finalizers, metav1.FinalizerDeleteDependents)
}

// matters reports that there may be something to do for an object.
func (n *node) matters() bool {
	return len(n.owners) > 0 || n.waits() ||
		n.deleted != nil && slices.Contains(n.finalizers, metav1.FinalizerOrphanDependents)
}

// graph is what counts of all objects, and who depends on whom. The watches write it, the loops read it.
type graph struct {
	// wake is told, outside the lock, of objects for which there may be something to do.
	wake func(id)

	mu         sync.RWMutex
	kinds      map[schema.GroupVersionKind]map[client.ObjectKey]*node
	byUID      map[types.UID]*node
	dependents map[types.UID]map[*node]struct{}
	dead       *lru.Cache
}

func newGraph(wake func(id)) *graph {
	return &graph{
		wake:       wake,
		kinds:      map[schema.GroupVersionKind]map[client.ObjectKey]*node{},
		byUID:      map[types.UID]*node{},
		dependents: map[types.UID]map[*node]struct{}{},
		dead:       lru.New(obituaries),
	}
}

// put adds an object, or takes over its newer version.
func (g *graph) put(n *node) {
	g.mu.Lock()
	woken := g.change(g.kinds[n.Kind][n.ObjectKey], n)
	g.mu.Unlock()
	g.wakeAll(woken)
}

// drop takes out an object that has been deleted.
func (g *graph) drop(at id) {
	g.mu.Lock()
	woken := g.change(g.kinds[at.Kind][at.ObjectKey], nil)
	g.mu.Unlock()
	g.wakeAll(woken)
}

// replace makes nodes all the objects of a kind. Those that are not among them have been deleted.
func (g *graph) replace(kind schema.GroupVersionKind, nodes []*node) {
	g.mu.Lock()
	var woken []id
	gone := map[client.ObjectKey]*node{}
	for key, n := range g.kinds[kind] {
		gone[key] = n
	}
	for _, n := range nodes {
		woken = append(woken, g.change(g.kinds[kind][n.ObjectKey], n)...)
		delete(gone, n.ObjectKey)
	}
	for _, n := range gone {
		woken = append(woken, g.change(n, nil)...)
	}
	g.mu.Unlock()
	g.wakeAll(woken)
}

// forget drops a kind that is no longer watched. What becomes of its objects is unknown: nobody is declared dead.
func (g *graph) forget(kind schema.GroupVersionKind) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range g.kinds[kind] {
		g.unlink(n)
	}
	delete(g.kinds, kind)
}

func (g *graph) wakeAll(ids []id) {
	for _, id := range ids {
		g.wake(id)
	}
}

// change puts one version of an object in the place of another, either of which may be nil, and returns whom it concerns.
func (g *graph) change(before, after *node) []id {
	if before != nil && after != nil && before.uid != after.uid {
		return append(g.change(before, nil), g.change(nil, after)...)
	}
	if before != nil {
		g.unlink(before)
	}
	if after != nil {
		g.link(after)
	}
	switch {
	case before == nil && after == nil:
		return nil
	case before == nil:
		return g.appeared(after)
	case after == nil:
		return g.vanished(before)
	default:
		return g.changed(before, after)
	}
}

func (g *graph) link(n *node) {
	if g.kinds[n.Kind] == nil {
		g.kinds[n.Kind] = map[client.ObjectKey]*node{}
	}
	g.kinds[n.Kind][n.ObjectKey] = n
	g.byUID[n.uid] = n
	for _, owner := range n.owners {
		if g.dependents[owner.UID] == nil {
			g.dependents[owner.UID] = map[*node]struct{}{}
		}
		g.dependents[owner.UID][n] = struct{}{}
	}
}

func (g *graph) unlink(n *node) {
	delete(g.kinds[n.Kind], n.ObjectKey)
	if g.byUID[n.uid] == n {
		delete(g.byUID, n.uid)
	}
	for _, owner := range n.owners {
		delete(g.dependents[owner.UID], n)
		if len(g.dependents[owner.UID]) == 0 {
			delete(g.dependents, owner.UID)
		}
	}
}

// appeared concerns the object, and dependents that were seen before it.
func (g *graph) appeared(n *node) []id {
	woken := g.dependentsOf(n)
	if n.matters() {
		woken = append(woken, n.id)
	}
	return woken
}

// vanished concerns the dependents, and owners that wait for them.
func (g *graph) vanished(n *node) []id {
	woken := g.dependentsOf(n)
	if len(woken) > 0 {
		g.dead.Add(n.uid, nil)
	}
	return append(woken, g.waitingOwners(n)...)
}

// changed concerns the object, if it is about what counts; its dependents, if it begins to wait for them; and the owners
// that it may have kept waiting.
func (g *graph) changed(before, after *node) []id {
	same := equality.Semantic.DeepEqual(before.owners, after.owners)
	var woken []id
	if after.matters() && (!same || !slices.Equal(before.finalizers, after.finalizers) || (before.deleted == nil) != (after.deleted == nil)) {
		woken = append(woken, after.id)
	}
	if after.waits() && !before.waits() {
		woken = append(woken, g.dependentsOf(after)...)
	}
	if !same {
		woken = append(woken, g.waitingOwners(before)...)
	}
	return woken
}

func (g *graph) dependentsOf(n *node) []id {
	ids := make([]id, 0, len(g.dependents[n.uid])+1)
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

// died reports that the end of an object was seen.
func (g *graph) died(uid types.UID) bool {
	_, died := g.dead.Get(uid)
	return died
}
