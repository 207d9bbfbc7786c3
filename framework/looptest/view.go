package looptest

import (
	"maps"
	"math/rand/v2"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// View is what an informer cache knows of a world: of every kind all changes up to some point, in order. It stays where
// it is until it is moved.
type View struct {
	world *World
	kinds map[schema.GroupVersionKind]*known
	// saw is told of every change as the view comes to see it; nil tells nobody.
	saw func(k *kind, before, after client.Object)
	// order shuffles lists, as an informer's indexer does; nil leaves them sorted.
	order *rand.Rand
	// loans are what has been read in the present pass without a copy.
	loans []loan
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
	kinds := v.world.sortedKinds()
	v.world.mu.Unlock()
	for _, k := range kinds {
		v.see(k, func(unseen int) int { return unseen })
	}
}

// list begins the view with what a first list of each kind answers: all objects of one moment, each of which is news. The
// moment is so many changes of the kind back as age says of those that there have been.
func (v *View) list(age func(k *kind) int) {
	v.world.mu.Lock()
	kinds := v.world.sortedKinds()
	v.world.mu.Unlock()
	for _, k := range kinds {
		v.world.mu.Lock()
		known := v.of(k)
		known.seen = max(0, len(k.changes)-age(k))
		for _, change := range k.changes[:known.seen] {
			if change.obj == nil {
				delete(known.objects, change.key)
			} else {
				known.objects[change.key] = change.obj
			}
		}
		listed := maps.Clone(known.objects)
		v.world.mu.Unlock()
		for _, key := range sortedKeys(listed) {
			v.tell(k, nil, listed[key])
		}
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
	k := v.world.kind(gvk)
	v.world.mu.Unlock()
	v.see(k, func(unseen int) int { return min(n, unseen) })
}

// see lets the view see some of the changes that it has not seen, and then tells of them.
func (v *View) see(k *kind, some func(unseen int) int) {
	v.world.mu.Lock()
	known := v.of(k)
	news := k.changes[known.seen:]
	news = news[:some(len(news))]
	befores := make([]client.Object, len(news))
	for i, change := range news {
		befores[i] = known.objects[change.key]
		if change.obj == nil {
			delete(known.objects, change.key)
		} else {
			known.objects[change.key] = change.obj
		}
	}
	known.seen += len(news)
	v.world.mu.Unlock()
	for i, change := range news {
		v.tell(k, befores[i], change.obj)
	}
}

// tell reports a change that the view has come to see. That something is gone which it never knew of is none.
func (v *View) tell(k *kind, before, after client.Object) {
	if v.saw != nil && (before != nil || after != nil) {
		v.saw(k, before, after)
	}
}

func (v *View) of(k *kind) *known {
	if v.kinds[k.gvk] == nil {
		v.kinds[k.gvk] = &known{objects: map[client.ObjectKey]client.Object{}}
	}
	return v.kinds[k.gvk]
}
