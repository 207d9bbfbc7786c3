package garbagecollector

import (
	"context"
	"fmt"
	"slices"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is an object, and what its fate depends on.
type world struct {
	obj *metav1.PartialObjectMetadata
	// owners are in the order of the object's references.
	owners []owner
	// dependents name the object as an owner. They are read only if it is being held for them, or may come to be.
	dependents []*metav1.PartialObjectMetadata
	// circle says that the object waits for its dependents, and they, or theirs, for it.
	circle bool
}

// owner is what is known of one owner.
type owner struct {
	metav1.OwnerReference
	state state
	// kind is the one under which the owner is read; empty if the server has none.
	kind schema.GroupVersionKind
	// namespace is where it has to be; empty if its kind has none.
	namespace string
	// elsewhere is true if there is such an owner, but in another namespace.
	elsewhere bool
}

// state is how an owner is.
type state string

const (
	// exists: it is there, and does not wait for its dependents.
	exists state = "exists"
	// waits: it is there until its dependents are gone.
	waits state = "waits"
	// dead: it was seen to go.
	dead state = "dead"
	// missing: it has not been seen, and is gone if the API server says so too.
	missing state = "missing"
	// unread: the objects of its kind have not all been read yet.
	unread state = "unread"
	// unknown: the server has no such kind now.
	unknown state = "unknown"
	// invalid: the object has no namespace, but its owner would have one.
	invalid state = "invalid"
)

// Observe looks at an object's owners, and, where that matters, at its dependents.
func (c Controller) Observe(ctx context.Context, view loop.View, key client.ObjectKey) (world, error) {
	name, object := objectOf(key)
	kind, known, _ := c.known.find(name)
	if !known {
		return world{}, fmt.Errorf("no objects of kind %s are watched: %w", name, engine.ErrGone)
	}
	w := world{obj: metadataOf(kind.GroupVersionKind)}
	if err := view.Get(ctx, object, w.obj); apierrors.IsNotFound(err) {
		return world{}, fmt.Errorf("reading %s %s: %w: %w", name, object, engine.ErrGone, err)
	} else if err != nil {
		return world{}, fmt.Errorf("reading %s %s: %w", name, object, err)
	}
	for _, ref := range w.obj.OwnerReferences {
		owner, err := c.observeOwner(ctx, view, w.obj, ref)
		if err != nil {
			return world{}, fmt.Errorf("reading owner %s %s: %w", ref.Kind, ref.Name, err)
		}
		w.owners = append(w.owners, owner)
	}
	if !held(w.obj) && !w.mayBeHeld() {
		return w, nil
	}
	var err error
	if w.dependents, err = c.dependents(ctx, view, w.obj); err != nil {
		return world{}, err
	}
	w.circle, err = c.inCircle(ctx, view, w)
	return w, err
}

// observeOwner looks for an owner where the reference says that it is. Its UID alone decides nothing: with another kind,
// name or namespace it is somebody else's owner, if anybody's.
func (c Controller) observeOwner(ctx context.Context, read client.Reader, obj *metav1.PartialObjectMetadata, ref metav1.OwnerReference) (owner, error) {
	o := owner{OwnerReference: ref, state: unknown}
	name, ok := kindNamedBy(ref)
	if !ok || ref.UID == "" {
		return o, nil // a kind that cannot be, and so one that the server does not have; or nobody
	}
	kind, known, all := c.known.find(name)
	namespaced := kind.Namespaced
	o.kind = kind.GroupVersionKind
	grave, died := c.known.died(ref.UID)
	if !known && died && grave.Kind.GroupKind() == name { // its kind has gone after it
		o.kind, namespaced = grave.Kind, grave.Namespace != ""
	}
	if namespaced {
		o.namespace = obj.Namespace
	}
	switch {
	case namespaced && obj.Namespace == "":
		o.state = invalid
	case died && grave == o.at():
		o.state = dead
	case known:
		return c.lookFor(ctx, read, o, all)
	}
	return o, nil
}

// lookFor finds out how an owner of a kind that is watched is; all says that all of the kind's objects have been read.
func (c Controller) lookFor(ctx context.Context, read client.Reader, o owner, all bool) (owner, error) {
	seen := metadataOf(o.kind)
	err := read.Get(ctx, o.at().ObjectKey, seen)
	switch {
	case client.IgnoreNotFound(err) != nil:
		return o, err
	case err == nil && seen.UID == o.UID && waiting(seen):
		o.state = waits
	case err == nil && seen.UID == o.UID:
		o.state = exists
	case !all:
		o.state = unread
	default:
		o.state = missing
		o.elsewhere, err = existsElsewhere(ctx, read, o)
	}
	return o, client.IgnoreNotFound(err)
}

// at is where an owner has to be.
func (o owner) at() id { return id{o.kind, client.ObjectKey{Namespace: o.namespace, Name: o.Name}} }

// kindNamedBy is the kind that a reference names; ok is false if it names none.
func kindNamedBy(ref metav1.OwnerReference) (kind schema.GroupKind, ok bool) {
	gv, err := schema.ParseGroupVersion(ref.APIVersion)
	return schema.GroupKind{Group: gv.Group, Kind: ref.Kind}, err == nil
}

// existsElsewhere reports that the owner lives in another namespace than the object.
func existsElsewhere(ctx context.Context, read client.Reader, o owner) (bool, error) {
	if o.namespace == "" {
		return false, nil
	}
	list := metadataListOf(o.kind)
	if err := read.List(ctx, list, client.MatchingFields{uidField: string(o.UID)}); err != nil {
		return false, err
	}
	return slices.ContainsFunc(list.Items, func(seen metav1.PartialObjectMetadata) bool {
		return seen.Namespace != o.namespace
	}), nil
}

// dependents lists the objects of all kinds that have obj as an owner.
func (c Controller) dependents(ctx context.Context, read client.Reader, obj *metav1.PartialObjectMetadata) ([]*metav1.PartialObjectMetadata, error) {
	var dependents []*metav1.PartialObjectMetadata
	for _, kind := range c.known.kindsOwnedBy(obj.UID) {
		list := metadataListOf(kind)
		if err := read.List(ctx, list, client.MatchingFields{ownerField: string(obj.UID)}); err != nil {
			return nil, fmt.Errorf("listing dependents of kind %s: %w", kind.GroupKind(), err)
		}
		for i := range list.Items {
			dependent := &list.Items[i]
			dependent.SetGroupVersionKind(kind)
			if c.owns(obj, dependent) {
				dependents = append(dependents, dependent)
			}
		}
	}
	return dependents, nil
}

// owns reports that a reference of dependent is to obj: by its UID, kind and name, from where its namespace can be reached.
func (c Controller) owns(obj, dependent *metav1.PartialObjectMetadata) bool {
	if obj.Namespace != "" && obj.Namespace != dependent.Namespace {
		return false
	}
	return slices.ContainsFunc(dependent.OwnerReferences, func(ref metav1.OwnerReference) bool {
		if ref.UID != obj.UID || ref.Name != obj.Name {
			return false
		}
		name, ok := kindNamedBy(ref)
		kind, known, _ := c.known.find(name)
		return ok && known && kind.GroupVersionKind == obj.GroupVersionKind()
	})
}

// inCircle reports that an object waits for itself, through what it owns. It follows only dependents that wait as well,
// and looks only where a circle can be: an owner waits for the object too, and all that blocks it waits.
func (c Controller) inCircle(ctx context.Context, read client.Reader, w world) (bool, error) {
	next := w.blockers()
	if !waiting(w.obj) || len(w.in(waits)) == 0 || slices.ContainsFunc(next, isNotWaiting) {
		return false, nil
	}
	visited := map[types.UID]bool{}
	for len(next) > 0 {
		blocker := next[0]
		next = next[1:]
		if blocker.UID == w.obj.UID {
			return true, nil
		}
		if visited[blocker.UID] || isNotWaiting(blocker) {
			continue
		}
		visited[blocker.UID] = true
		dependents, err := c.dependents(ctx, read, blocker)
		if err != nil {
			return false, err
		}
		next = append(next, world{obj: blocker, dependents: dependents}.blockers()...)
	}
	return false, nil
}

func isNotWaiting(obj *metav1.PartialObjectMetadata) bool { return !waiting(obj) }

func metadataListOf(kind schema.GroupVersionKind) *metav1.PartialObjectMetadataList {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	return list
}
