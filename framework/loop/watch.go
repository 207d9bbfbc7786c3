package loop

import (
	"context"
	"reflect"

	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// Option is one line of a loop's declaration: what wakes it, and by what its reads are indexed.
type Option func(*declaration)

// declaration is what the options of a loop add up to.
type declaration struct {
	prototype  client.Object
	predicates []predicate.Predicate
	watches    []watch
	indexes    []Index
	oneByOne   bool
}

type watch func(b *builder.Builder, mgr manager.Manager)

// Index says that objects of a kind can be found by a field, with client.MatchingFields.
type Index struct {
	Object client.Object
	Field  string
	Values client.IndexerFunc
}

// Of says of which kind the loop's objects are, where their Go type does not: metadata only, or unstructured.
func Of(prototype client.Object) Option {
	return func(d *declaration) { d.prototype = prototype }
}

// When lets the loop wake only for objects of its own kind, and only for events of them, that all predicates pass.
func When(predicates ...predicate.Predicate) Option {
	return func(d *declaration) { d.predicates = append(d.predicates, predicates...) }
}

// Owns wakes the loop for an object when something of the kind of owned changes which that object controls.
func Owns(owned client.Object, predicates ...predicate.Predicate) Option {
	return watches(func(b *builder.Builder, _ manager.Manager) {
		b.Owns(owned, builder.WithPredicates(predicates...))
	})
}

// Watches wakes the loop, when something of the kind O changes, for the objects that concern names. Reads of concern
// come from the cache. An object that changed is shown to concern as it was and as it is.
func Watches[O client.Object](concern func(ctx context.Context, read client.Reader, changed O) []client.ObjectKey, predicates ...predicate.Predicate) Option {
	return watches(func(b *builder.Builder, mgr manager.Manager) {
		requests := func(ctx context.Context, changed client.Object) []reconcile.Request {
			keys := concern(ctx, mgr.GetClient(), changed.(O))
			requests := make([]reconcile.Request, len(keys))
			for i, key := range keys {
				requests[i].NamespacedName = key
			}
			return requests
		}
		b.Watches(newObject[O](), handler.EnqueueRequestsFromMapFunc(requests), builder.WithPredicates(predicates...))
	})
}

// WatchesRaw wakes the loop from any source of controller-runtime.
func WatchesRaw(source source.Source) Option {
	return watches(func(b *builder.Builder, _ manager.Manager) { b.WatchesRawSource(source) })
}

// OneByOne makes the loop work on one object at a time, and plan for none until the cache shows what was written for any
// other. It is for objects that share something, as nodes share a range of addresses: two that plan side by side, or
// before the other's write shows, would both take the same.
func OneByOne() Option {
	return func(d *declaration) { d.oneByOne = true }
}

func watches(w watch) Option {
	return func(d *declaration) { d.watches = append(d.watches, w) }
}

// Indexes makes the cache find objects of the kind of obj by a field, for client.MatchingFields in Observe. Several
// loops may declare the same index of a kind: the first one counts, so they must agree on what it holds.
func Indexes(obj client.Object, field string, values client.IndexerFunc) Option {
	return func(d *declaration) { d.indexes = append(d.indexes, Index{obj, field, values}) }
}

// newObject is a new, empty object of a pointer type.
func newObject[O client.Object]() O {
	return reflect.New(reflect.TypeFor[O]().Elem()).Interface().(O)
}
