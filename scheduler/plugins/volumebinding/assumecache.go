package volumebinding

import (
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// assumeCache lays objects over an informer's that are as they will be once they are written. One counts until the informer
// shows another version than the one that it was made of. It is safe for concurrent use.
type assumeCache[T metav1.Object] struct {
	resource string
	store    cache.Indexer
	mutex    sync.RWMutex
	objects  map[string]T
}

func newAssumeCache[T metav1.Object](store cache.Indexer, resource string) *assumeCache[T] {
	return &assumeCache[T]{resource: resource, store: store, objects: map[string]T{}}
}

// get returns the object as assumed, and otherwise as shown.
func (a *assumeCache[T]) get(key string) (T, bool) {
	object, found := a.stored(key)
	if !found {
		return object, false
	}
	a.mutex.RLock()
	defer a.mutex.RUnlock()
	return a.overlay(key, object), true
}

// stored returns the object as shown.
func (a *assumeCache[T]) stored(key string) (T, bool) {
	object, found, err := a.store.GetByKey(key)
	if err != nil || !found {
		var none T
		return none, false
	}
	return object.(T), true
}

// list returns the objects of which the index has the value, each as assumed, and otherwise as shown.
func (a *assumeCache[T]) list(index, value string) ([]T, error) {
	objects, err := a.store.ByIndex(index, value)
	if err != nil {
		return nil, fmt.Errorf("listing %s by %s: %w", a.resource, index, err)
	}
	a.mutex.RLock()
	defer a.mutex.RUnlock()
	list := make([]T, len(objects))
	for i, object := range objects {
		shown := object.(T)
		list[i] = shown
		if len(a.objects) > 0 {
			list[i] = a.overlay(keyOf(shown), shown)
		}
	}
	return list, nil
}

func (a *assumeCache[T]) overlay(key string, shown T) T {
	if object, found := a.objects[key]; found && object.GetResourceVersion() == shown.GetResourceVersion() {
		return object
	}
	return shown
}

// assume lays the object over the one it was made of. That another version is shown by now is an error.
func (a *assumeCache[T]) assume(object T) error {
	key := keyOf(object)
	a.mutex.Lock()
	defer a.mutex.Unlock()
	shown, found := a.stored(key)
	if !found {
		return fmt.Errorf("assuming %s %q: it is gone", a.resource, key)
	}
	if shown.GetResourceVersion() != object.GetResourceVersion() {
		return fmt.Errorf("assuming %s %q: it has changed from version %s to %s", a.resource, key, object.GetResourceVersion(), shown.GetResourceVersion())
	}
	a.objects[key] = object
	return nil
}

// restore takes the very object away again; another that is assumed by now stays.
func (a *assumeCache[T]) restore(object T) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if key := keyOf(object); any(a.objects[key]) == any(object) {
		delete(a.objects, key)
	}
}

// shown is called when the informer has shown the object anew. A resync shows the same version and changes nothing.
func (a *assumeCache[T]) shown(key string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	object, found := a.objects[key]
	if !found {
		return
	}
	if shown, found := a.stored(key); !found || shown.GetResourceVersion() != object.GetResourceVersion() {
		delete(a.objects, key)
	}
}

func keyOf(object metav1.Object) string { return cache.MetaObjectToName(object).String() }
