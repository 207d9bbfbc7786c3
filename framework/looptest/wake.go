package looptest

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// wakes notes for which objects a loop has to make a pass now that its view has seen a change, by what the loop watches.
func (r *run) wakes(p *player, k *kind, before, after client.Object) {
	for _, watch := range p.loop.Watches() {
		if watch.Object == nil {
			continue
		}
		gvk, err := apiutil.GVKForObject(watch.Object, r.world.scheme)
		if err != nil || gvk != k.gvk {
			continue
		}
		keys, err := watch.Wakes(context.Background(), p.view.ClientOf(p.loop.Name()),
			r.inFormOf(watch.Object, k, before), r.inFormOf(watch.Object, k, after))
		if err != nil {
			r.breaks(fmt.Errorf("%s cannot tell whom a change concerns: %w", p.loop.Name(), err))
		}
		for _, key := range keys {
			p.awake[key] = true
			p.known[key] = nil
		}
	}
}

// wokenByAll are the objects that a loop is woken for when it begins in the world as it is.
func (r *run) wokenByAll(p *player) []client.ObjectKey {
	fresh := &player{loop: p.loop, known: map[client.ObjectKey]client.Object{}}
	r.begin(fresh, current)
	return r.keys(fresh)
}

// inFormOf is a stored object in the form of another, to be read only.
func (r *run) inFormOf(form client.Object, k *kind, obj client.Object) client.Object {
	if obj == nil || reflect.TypeOf(obj) == reflect.TypeOf(form) {
		return obj
	}
	converted := emptyLike(form)
	if err := deliver(k.gvk, obj, converted); err != nil {
		r.breaks(err)
		return nil
	}
	return converted
}

// keys are all objects that a loop may ever have been woken for, also those that are gone.
func (r *run) keys(p *player) []client.ObjectKey {
	known := maps.Clone(p.known)
	if object := p.loop.Object(); object != nil && r.wokenByAnything(p.loop) {
		r.world.mu.Lock()
		defer r.world.mu.Unlock()
		k, err := r.world.kindOf(object)
		if err != nil {
			r.t.Fatal(err)
		}
		maps.Copy(known, k.objects)
	}
	return sortedKeys(known)
}

// wokenByAnything reports whether a loop may be woken by what this package knows nothing of.
func (r *run) wokenByAnything(l loop.Loop) bool {
	return r.spec.AlwaysAwake || slices.ContainsFunc(l.Watches(), func(w loop.Watch) bool { return w.Object == nil })
}

// awake are the objects for which a loop has something to find out: it was woken, wanted to look again, or failed. A loop
// that a source of controller-runtime may wake can be woken for anything at any time.
func (r *run) awake(p *player) []client.ObjectKey {
	if r.wokenByAnything(p.loop) {
		return r.keys(p)
	}
	awake := map[client.ObjectKey]client.Object{}
	for key := range p.awake {
		awake[key] = nil
	}
	for key := range p.failed {
		awake[key] = nil
	}
	for key, due := range p.due {
		if !due.After(r.world.Now()) {
			awake[key] = nil
		}
	}
	return sortedKeys(awake)
}
