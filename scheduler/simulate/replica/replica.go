package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
)

// Replica is a copy of a cluster. It is safe for concurrent use; objects that it gives out are not to be changed.
type Replica struct {
	origin Origin
	// OnWrite, where it is set, is told of every change that an API client made, after it was made and one at a time
	// per change. old is nil for what is new, and now for what is gone. It may write to the replica. Set it before use.
	OnWrite func(resource schema.GroupVersionResource, old, now *unstructured.Unstructured)

	mutex   sync.Mutex
	moved   *sync.Cond // something was written, or a watch has ended
	kinds   map[schema.GroupVersionResource]*kind
	version int64
	failed  error
}

// kind holds the objects of one resource.
type kind struct {
	objects map[types.NamespacedName]*unstructured.Unstructured
	born    map[types.NamespacedName]int64 // the version at which an object came; nothing for the cluster's own
	log     []change
}

// change is an entry of what happened to a kind since it was copied.
type change struct {
	event   watch.EventType
	version int64
	object  *unstructured.Unstructured
}

// New returns a replica. A nil origin is an empty cluster.
func New(origin Origin) *Replica {
	if origin == nil {
		origin = nothing{}
	}
	r := &Replica{origin: origin, kinds: map[schema.GroupVersionResource]*kind{}, version: 1}
	r.moved = sync.NewCond(&r.mutex)
	return r
}

// Config is how an API client reaches the replica.
func (r *Replica) Config() *rest.Config {
	return &rest.Config{
		Host:          "http://replica",
		Transport:     r,
		QPS:           -1,
		ContentConfig: rest.ContentConfig{ContentType: runtime.ContentTypeJSON, AcceptContentTypes: runtime.ContentTypeJSON},
	}
}

// Err is what went wrong first, or nil: while the cluster was read, or as OnWrite said by Fail.
func (r *Replica) Err() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.failed
}

// Fail says that what follows a write could not be done, so that the replica is not what the cluster would be. Nil says
// nothing.
func (r *Replica) Fail(err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.fail(err)
}

// fail keeps the first error. That somebody stopped waiting is none.
func (r *Replica) fail(err error) {
	if r.failed == nil && !errors.Is(err, context.Canceled) {
		r.failed = err
	}
}

// List returns the objects of a resource: those of the cluster by age and name, and then those that came since.
func (r *Replica) List(ctx context.Context, resource schema.GroupVersionResource) ([]*unstructured.Unstructured, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	kind, err := r.kind(ctx, resource)
	if err != nil {
		return nil, err
	}
	objects := slices.Collect(maps.Values(kind.objects))
	slices.SortFunc(objects, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(cmp.Compare(kind.born[nameOf(a)], kind.born[nameOf(b)]),
			a.GetCreationTimestamp().Compare(b.GetCreationTimestamp().Time),
			cmp.Compare(nameOf(a).String(), nameOf(b).String()))
	})
	return objects, nil
}

// Get returns an object, or an error that is NotFound.
func (r *Replica) Get(ctx context.Context, resource schema.GroupVersionResource, name types.NamespacedName) (*unstructured.Unstructured, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	kind, err := r.kind(ctx, resource)
	if err != nil {
		return nil, err
	}
	object, found := kind.objects[name]
	if !found {
		return nil, apierrors.NewNotFound(resource.GroupResource(), name.Name)
	}
	return object, nil
}

// Create adds an object. It gets a resourceVersion, and a UID where it has none.
func (r *Replica) Create(ctx context.Context, resource schema.GroupVersionResource, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	object = object.DeepCopy()
	if object.GetName() == "" && object.GetGenerateName() != "" {
		object.SetName(object.GetGenerateName() + string(uuid.NewUUID())[:8])
	}
	if object.GetUID() == "" {
		object.SetUID(uuid.NewUUID())
	}
	return r.write(ctx, resource, nameOf(object), func(old *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		if old != nil {
			return nil, apierrors.NewAlreadyExists(resource.GroupResource(), object.GetName())
		}
		return object, nil
	})
}

// Change replaces an object by what change makes of a copy.
func (r *Replica) Change(ctx context.Context, resource schema.GroupVersionResource, name types.NamespacedName,
	change func(*unstructured.Unstructured) error,
) (*unstructured.Unstructured, error) {
	return r.write(ctx, resource, name, func(old *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		if old == nil {
			return nil, apierrors.NewNotFound(resource.GroupResource(), name.Name)
		}
		now := old.DeepCopy()
		if err := change(now); err != nil {
			return nil, err
		}
		return now, nil
	})
}

// Delete removes an object at once: nothing here would finish it.
func (r *Replica) Delete(ctx context.Context, resource schema.GroupVersionResource, name types.NamespacedName) error {
	_, err := r.write(ctx, resource, name, func(old *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		if old == nil {
			return nil, apierrors.NewNotFound(resource.GroupResource(), name.Name)
		}
		return nil, nil
	})
	return err
}

// write makes one change: decide turns what is there (nil: nothing) into what is to be there.
func (r *Replica) write(ctx context.Context, resource schema.GroupVersionResource, name types.NamespacedName,
	decide func(old *unstructured.Unstructured) (*unstructured.Unstructured, error),
) (*unstructured.Unstructured, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	kind, err := r.kind(ctx, resource)
	if err != nil {
		return nil, err
	}
	old := kind.objects[name]
	now, err := decide(old)
	if err != nil {
		return nil, err
	}
	r.version++
	entry := change{event: watch.Modified, version: r.version, object: now}
	switch {
	case now == nil:
		entry.event, entry.object = watch.Deleted, old.DeepCopy()
		delete(kind.objects, name)
	case old == nil:
		entry.event, kind.born[name] = watch.Added, r.version
		fallthrough
	default:
		kind.objects[name] = now
	}
	entry.object.SetResourceVersion(strconv.FormatInt(r.version, 10))
	kind.log = append(kind.log, entry)
	r.moved.Broadcast()
	return entry.object, nil
}

// kind copies a resource when it is first asked for. Who calls it holds the lock: what is asked for together is copied in turn.
func (r *Replica) kind(ctx context.Context, resource schema.GroupVersionResource) (*kind, error) {
	if known, ok := r.kinds[resource]; ok {
		return known, nil
	}
	objects, err := r.origin.List(ctx, resource)
	if err != nil {
		r.fail(err)
		return nil, err
	}
	copied := &kind{
		objects: make(map[types.NamespacedName]*unstructured.Unstructured, len(objects)),
		born:    map[types.NamespacedName]int64{},
	}
	for _, object := range objects {
		object.SetResourceVersion(strconv.FormatInt(r.version, 10))
		copied.objects[nameOf(object)] = object
	}
	r.kinds[resource] = copied
	return copied, nil
}

// since returns the changes of a kind after a version; wait waits until there are some or done reports true.
func (r *Replica) since(kind *kind, version int64, done func() bool) []change {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for {
		first, _ := slices.BinarySearchFunc(kind.log, version, func(c change, v int64) int { return int(c.version - v - 1) })
		first = max(0, first)
		if first < len(kind.log) || done() {
			return kind.log[first:len(kind.log):len(kind.log)]
		}
		r.moved.Wait()
	}
}

// Version grows with every change.
func (r *Replica) Version() int64 {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.version
}

func nameOf(object *unstructured.Unstructured) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

func badRequest(format string, args ...any) error {
	return apierrors.NewBadRequest(fmt.Sprintf(format, args...))
}
