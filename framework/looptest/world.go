package looptest

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"
)

// Begin is the time at which every world begins.
var Begin = time.Date(2026, time.January, 1, 9, 0, 0, 0, time.UTC)

// World is an API server's store in memory, with a clock that only moves when it is told to. It is safe for concurrent
// use, and deterministic as long as it is used by one goroutine at a time.
type World struct {
	scheme *runtime.Scheme
	clock  *testingclock.FakeClock

	names atomic.Int64 // how many names have been generated

	mu      sync.Mutex
	version int64 // the resourceVersion of the last write
	uids    int64
	kinds   map[schema.GroupVersionKind]*kind
	applied map[appliedKey][]byte
	indexes map[indexKey]client.IndexerFunc

	// Graceful reports whether an object's deletion takes its time, as a running pod's does: it is then only marked as
	// being deleted, until somebody deletes it with a grace period of 0. Nil means that nothing's does.
	Graceful func(obj client.Object) bool
	// Refuse is asked before every write; its error is the answer, and nothing is written. Nil refuses nothing. It
	// stands for quotas, webhooks and whatever else an API server's answer may depend on.
	Refuse func(Write) error
	// Lose is asked after every write that took effect; its error is the answer, which the writer gets instead of the
	// real one. Nil loses nothing.
	Lose func(Write) error
	// Wrote is told of every write that took effect. Nil tells nobody.
	Wrote func(Write)
	// Subresources are what creating or updating a subresource does, other than status and scale: it changes stored
	// according to body, which is the object itself for an update. A subresource that is not here is not found. One
	// named eviction deletes the object as the body's deleteOptions say, unless it answers with an error.
	Subresources map[string]func(stored, body client.Object) error
	// Reviews are the kinds of what is created to be answered and is not stored, as "SubjectAccessReview": each answers in the
	// status of what it is asked with.
	Reviews map[string]func(question client.Object) error
}

// Write is one change of one object.
type Write struct {
	// By is who wrote: the name of a loop, or whatever World.Client was called with.
	By string
	// Verb is create, update, patch, apply or delete, with "/" and the subresource if there is one.
	Verb string
	// Before is the object as it was; nil if it is created.
	Before client.Object
	// After is the object as it is now; nil if it is gone. World.Refuse gets the object of the request, as far as
	// that is known.
	After client.Object
}

// kind is all that a world has of one kind: the objects as they are, and every change since the beginning.
type kind struct {
	gvk     schema.GroupVersionKind
	objects map[client.ObjectKey]client.Object // never changed in place
	changes []change
}

// change is one entry of what a watch would tell.
type change struct {
	key client.ObjectKey
	obj client.Object // nil: deleted
}

type indexKey struct {
	gvk   schema.GroupVersionKind
	field string
}

// NewWorld returns an empty world for the kinds of a scheme. Kinds that the scheme does not know can be used too, as
// unstructured objects.
func NewWorld(scheme *runtime.Scheme) *World {
	return &World{
		scheme:  scheme,
		clock:   testingclock.NewFakeClock(Begin),
		kinds:   map[schema.GroupVersionKind]*kind{},
		applied: map[appliedKey][]byte{},
		indexes: map[indexKey]client.IndexerFunc{},
	}
}

// Now is the time in this world.
func (w *World) Now() time.Time { return w.clock.Now() }

// Clock is the clock of this world.
func (w *World) Clock() clock.WithTickerAndDelayedExecution { return w.clock }

// Step lets time pass.
func (w *World) Step(d time.Duration) { w.clock.SetTime(w.clock.Now().Add(d)) }

// Index makes objects of the kind of obj be found by a field, with client.MatchingFields. Fields without an index are
// looked up by their path, as in "spec.nodeName".
func (w *World) Index(obj client.Object, field string, values client.IndexerFunc) error {
	gvk, err := apiutil.GVKForObject(obj, w.scheme)
	if err != nil {
		return fmt.Errorf("indexing %T by %s: %w", obj, field, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.indexes[indexKey{gvk, field}] = values
	return nil
}

// Put stores objects as they are, status and all, whoever they replace. What every stored object has (UID, generation,
// creation time) is filled in where it is missing. An object that cannot be stored is a mistake of the test: Put panics.
func (w *World) Put(objs ...client.Object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, obj := range objs {
		k, stored, err := w.canonical(obj)
		if err != nil {
			panic(err)
		}
		key := client.ObjectKeyFromObject(stored)
		before := k.objects[key]
		if before != nil {
			stored.SetUID(before.GetUID())
		}
		w.complete(stored)
		w.store(k, key, stored)
	}
}

// Edit changes an object as it likes, status and all, on behalf of somebody. An object that is gone is left alone.
func Edit[T client.Object](w *World, by string, obj T, edit func(T)) {
	w.mu.Lock()
	k, _, err := w.canonical(obj)
	if err != nil {
		panic(err)
	}
	key := client.ObjectKeyFromObject(obj)
	before := k.objects[key]
	if before == nil {
		w.mu.Unlock()
		return
	}
	wanted := before.DeepCopyObject().(T)
	edit(wanted)
	after, err := w.replace(k, before, wanted, whole)
	w.mu.Unlock()
	if err != nil {
		panic(err)
	}
	w.tell(Write{By: by, Verb: "update", Before: before, After: after})
}

// All are the objects of a kind as they are, by namespace and name. They must not be changed.
func All[T client.Object](w *World) []T {
	w.mu.Lock()
	defer w.mu.Unlock()
	k, err := w.kindOf(newObject[T]())
	if err != nil {
		panic(err)
	}
	all := make([]T, 0, len(k.objects))
	for _, key := range sortedKeys(k.objects) {
		all = append(all, k.objects[key].(T))
	}
	return all
}

// tell reports a write that took effect, and no other.
func (w *World) tell(done Write) {
	if w.Wrote != nil && done.Before != done.After {
		w.Wrote(done)
	}
}

// Version is the resourceVersion of the last write: as long as it stays, nothing has changed.
func (w *World) Version() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.version
}

// store makes obj, which nobody may change from here on, the present state of its key; nil removes it.
func (w *World) store(k *kind, key client.ObjectKey, obj client.Object) {
	w.version++
	if obj == nil {
		delete(k.objects, key)
	} else {
		obj.SetResourceVersion(strconv.FormatInt(w.version, 10))
		k.objects[key] = obj
	}
	k.changes = append(k.changes, change{key, obj})
}

// generateName makes a name from a generateName: the next number instead of random letters.
func (w *World) generateName(prefix string) string {
	return fmt.Sprintf("%s%d", prefix, w.names.Add(1))
}

func (w *World) nextUID() types.UID {
	w.uids++
	return types.UID(fmt.Sprintf("uid-%d", w.uids))
}
