package garbagecollector

import (
	"maps"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// graves is how many owners that are gone are remembered.
const graves = 4096

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

// held reports that an object is deleted, and held for its dependents one way or the other.
func (n *node) held() bool {
	return n.waits() || n.deleted != nil && slices.Contains(n.finalizers, metav1.FinalizerOrphanDependents)
}

// graph is what counts of all objects, and who depends on whom. The watches write it, the loop reads it.
type graph struct {
	mu         sync.RWMutex
	kinds      map[schema.GroupVersionKind]map[client.ObjectKey]*node
	byUID      map[types.UID]*node
	dependents map[types.UID]map[*node]struct{}
	dead       *lru.Cache // UID -> id
	// wake is told, outside the lock, of objects for which there may be something to do; nil until somebody listens.
	wake func(id)
}

func newGraph() *graph {
	return &graph{
		kinds:      map[schema.GroupVersionKind]map[client.ObjectKey]*node{},
		byUID:      map[types.UID]*node{},
		dependents: map[types.UID]map[*node]struct{}{},
		dead:       lru.New(graves),
	}
}

// listen has wake told of all objects for which there may be something to do, now and from now on.
func (g *graph) listen(wake func(id)) {
	g.update(func() (woken []id) {
		g.wake = wake
		for _, nodes := range g.kinds {
			for _, n := range nodes {
				woken = g.appendConcerned(woken, n)
			}
		}
		return woken
	})
}

// put adds an object, or takes over its newer version.
func (g *graph) put(n *node) {
	g.update(func() []id { return g.change(g.kinds[n.Kind][n.ObjectKey], n) })
}

// drop takes out an object that has been deleted.
func (g *graph) drop(at id) {
	g.update(func() []id { return g.change(g.kinds[at.Kind][at.ObjectKey], nil) })
}

// replace makes nodes all the objects of a kind. Those that are not among them have been deleted.
func (g *graph) replace(kind schema.GroupVersionKind, nodes []*node) {
	g.update(func() (woken []id) {
		gone := maps.Clone(g.kinds[kind])
		for _, n := range nodes {
			woken = append(woken, g.change(g.kinds[kind][n.ObjectKey], n)...)
			delete(gone, n.ObjectKey)
		}
		for _, n := range gone {
			woken = append(woken, g.change(n, nil)...)
		}
		return woken
	})
}

// forget drops a kind that is no longer watched. What becomes of its objects is unknown: nobody is declared dead, but what
// they owned has to be looked at until it is known again.
func (g *graph) forget(kind schema.GroupVersionKind) {
	g.update(func() (woken []id) {
		nodes := slices.Collect(maps.Values(g.kinds[kind]))
		for _, n := range nodes {
			g.unlink(n)
		}
		for _, n := range nodes {
			woken = append(woken, g.dependentsOf(n)...)
		}
		delete(g.kinds, kind)
		return woken
	})
}

// update changes the graph, and wakes whom the change concerns.
func (g *graph) update(change func() []id) {
	g.mu.Lock()
	woken, wake := change(), g.wake
	g.mu.Unlock()
	if wake == nil {
		return
	}
	for _, at := range woken {
		wake(at)
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

// bury notes that the object with a UID is not there any more. No other gets its UID.
func (g *graph) bury(uid types.UID, at id) { g.dead.Add(uid, at) }

// died is where the object with a UID was found, if its end was seen or told.
func (g *graph) died(uid types.UID) (at id, died bool) {
	grave, died := g.dead.Get(uid)
	if died {
		at = grave.(id)
	}
	return at, died
}
