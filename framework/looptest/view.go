package looptest

import (
	"math/rand/v2"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// View is what an informer cache knows of a world: of every kind all changes up to some point, in order. It stays where
// it is until it is moved.
type View struct {
	world *World
	kinds map[schema.GroupVersionKind]*known
	// order shuffles lists, as an informer's indexer does; nil leaves them sorted.
	order *rand.Rand
}

// known is one kind as a view knows it.
type known struct {
	objects map[client.ObjectKey]client.Object
	seen    int // how many of the kind's changes
}

// NewView returns a view that has seen everything so far.
func (w *World) NewView() *View {
	v := &View{world: w, kinds: map[schema.GroupVersionKind]*known{}}
	v.CatchUp()
	return v
}

// CatchUp lets the view see everything so far.
func (v *View) CatchUp() {
	v.world.mu.Lock()
	defer v.world.mu.Unlock()
	for _, k := range v.world.kinds {
		v.see(k, len(k.changes))
	}
}

// Behind are the kinds with changes that the view has not seen, in an order that is the same every time.
func (v *View) Behind() []schema.GroupVersionKind {
	v.world.mu.Lock()
	defer v.world.mu.Unlock()
	var behind []schema.GroupVersionKind
	for _, k := range v.world.sortedKinds() {
		if v.of(k).seen < len(k.changes) {
			behind = append(behind, k.gvk)
		}
	}
	return behind
}

// See lets the view see the next n changes of a kind; of fewer, all.
func (v *View) See(gvk schema.GroupVersionKind, n int) {
	v.world.mu.Lock()
	defer v.world.mu.Unlock()
	k := v.world.kind(gvk)
	v.see(k, min(v.of(k).seen+n, len(k.changes)))
}

func (v *View) see(k *kind, until int) {
	known := v.of(k)
	for _, change := range k.changes[known.seen:until] {
		if change.obj == nil {
			delete(known.objects, change.key)
		} else {
			known.objects[change.key] = change.obj
		}
	}
	known.seen = until
}

func (v *View) of(k *kind) *known {
	if v.kinds[k.gvk] == nil {
		v.kinds[k.gvk] = &known{objects: map[client.ObjectKey]client.Object{}}
	}
	return v.kinds[k.gvk]
}
