package loop

import (
	"context"
	"reflect"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// Option is one line of a loop's declaration: what wakes it, and by what its reads are indexed.
type Option func(*declaration)

// declaration is what the options of a loop add up to.
type declaration struct {
	prototype  client.Object
	predicates []predicate.Predicate
	watches    []Watch
	indexes    []Index
	atStart    []client.ObjectKey
	workers    int
	recordsAs  string
	apart      []part
	openCache  func(manager.Manager) (Cache, error)
}

func declare(options []Option) *declaration {
	d := &declaration{workers: 4}
	for _, option := range options {
		option(d)
	}
	return d
}

// Watch is one thing that wakes a loop.
type Watch struct {
	// Object is of the watched kind, in the form in which it is watched; nil for a source of controller-runtime.
	Object client.Object

	predicates []predicate.Predicate
	add        func(surroundings)
	concern    concern
}

// surroundings are what a loop meets in a manager.
type surroundings struct {
	builder *builder.Builder
	client  client.Client
	own     Cache // nil where the loop reads from the manager's
}

// Wakes are the keys that a change concerns. Before and after are of the watched kind, in the watched form; before is nil
// for an object that has come into being, or was there when the loop began, and after for one that is gone. A source of
// controller-runtime does not say what it wakes.
func (w Watch) Wakes(ctx context.Context, c client.Client, before, after client.Object) ([]client.ObjectKey, error) {
	if w.concern == nil || !letThrough(w.predicates, before, after) {
		return nil, nil
	}
	var keys []client.ObjectKey
	for _, changed := range []client.Object{before, after} {
		if changed == nil {
			continue
		}
		concerned, err := w.concern(ctx, c, changed)
		if err != nil {
			return nil, err
		}
		keys = append(keys, concerned...)
	}
	return keys, nil
}

// letThrough reports whether all predicates let a change pass, as they do in a manager.
func letThrough(predicates []predicate.Predicate, before, after client.Object) bool {
	for _, p := range predicates {
		switch {
		case before == nil && !p.Create(event.CreateEvent{Object: after}),
			after == nil && !p.Delete(event.DeleteEvent{Object: before}),
			before != nil && after != nil && !p.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after}):
			return false
		}
	}
	return true
}

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
	return func(d *declaration) {
		d.watches = append(d.watches, Watch{
			Object:     owned,
			predicates: predicates,
			add: func(s surroundings) {
				m := mapper{client: s.client, concern: d.controllers()}
				s.builder.Watches(owned, handler.WithLowPriorityWhenUnchanged(m.handler()), builder.WithPredicates(predicates...))
			},
			concern: func(ctx context.Context, c client.Client, owned client.Object) ([]client.ObjectKey, error) {
				return d.controllers()(ctx, c, owned)
			},
		})
	}
}

// Watches wakes the loop, when something of the kind O changes, for the keys that concern names. Reads of concern come from
// the cache. An object that changed is shown to concern as it was and as it is. When concern fails it is asked again, with
// back-off, until it does not: nothing that happened is lost.
func Watches[O client.Object](concern func(ctx context.Context, read client.Reader, changed O) ([]client.ObjectKey, error), predicates ...predicate.Predicate) Option {
	return func(d *declaration) {
		d.watches = append(d.watches, mapping(newObject[O](), 0, func(ctx context.Context, c client.Client, changed client.Object) ([]client.ObjectKey, error) {
			return concern(ctx, c, changed.(O))
		}, predicates))
	}
}

// WatchesAll wakes a loop that decides for everything in one pass, for [All], when something of the kind of obj changes. A
// gather above zero collects the changes of that time for one pass.
func WatchesAll(obj client.Object, gather time.Duration, predicates ...predicate.Predicate) Option {
	return func(d *declaration) {
		d.watches = append(d.watches, mapping(obj, gather, func(context.Context, client.Client, client.Object) ([]client.ObjectKey, error) {
			return []client.ObjectKey{All}, nil
		}, predicates))
	}
}

// Update is a predicate for objects of the kind O: of updates it lets pass those that concern somebody, and all else.
func Update[O client.Object](concerns func(was, is O) bool) predicate.Funcs {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool { return concerns(e.ObjectOld.(O), e.ObjectNew.(O)) }}
}

// AtStart wakes the loop for a key when it starts: also where there is nothing yet that could wake it.
func AtStart(key client.ObjectKey) Option {
	return func(d *declaration) { d.atStart = append(d.atStart, key) }
}

// Workers is for how many keys the loop makes passes side by side, unless [Options] say; without it 4.
func Workers(n int) Option {
	return func(d *declaration) { d.workers = n }
}

// RecordsAs is in whose name the loop records events; without it by its own name.
func RecordsAs(controller string) Option {
	return func(d *declaration) { d.recordsAs = controller }
}

// WatchesRaw wakes the loop from any source of controller-runtime, with the keys that it puts into the queue.
func WatchesRaw(source source.Source) Option {
	return func(d *declaration) {
		d.watches = append(d.watches, Watch{add: func(s surroundings) { s.builder.WatchesRawSource(source) }})
	}
}

// own is the watch of the loop's own kind.
func (d *declaration) own() Watch {
	return Watch{
		Object:     d.prototype,
		predicates: d.predicates,
		add: func(s surroundings) {
			s.builder.For(d.prototype, builder.WithPredicates(d.predicates...))
		},
		concern: func(_ context.Context, _ client.Client, changed client.Object) ([]client.ObjectKey, error) {
			return []client.ObjectKey{client.ObjectKeyFromObject(changed)}, nil
		},
	}
}

// Indexes makes the cache find objects of the kind of obj by a field, for client.MatchingFields in Observe. Loops that are
// added together may declare the same index of a kind: the first one counts, so they must agree on what it holds.
func Indexes(obj client.Object, field string, values client.IndexerFunc) Option {
	return func(d *declaration) { d.indexes = append(d.indexes, Index{obj, field, values}) }
}

// newObject is a new, empty object of a pointer type.
func newObject[O client.Object]() O {
	return reflect.New(reflect.TypeFor[O]().Elem()).Interface().(O)
}
