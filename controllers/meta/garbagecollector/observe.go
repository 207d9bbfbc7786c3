package garbagecollector

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/orrery-dev/orrery/framework/loop"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what an object's fate depends on.
type world struct {
	// owners are in the order of the object's references.
	owners []owner
	// dependents name the object as an owner. They are read only if it is being held for them, or may come to be.
	dependents []*metav1.PartialObjectMetadata
	// circle says that the object waits for its dependents, and they, or theirs, for it.
	circle bool
	// reported says that a reference that cannot be valid has been reported before.
	reported bool
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
func (c *controller) Observe(ctx context.Context, view loop.View, obj *metav1.PartialObjectMetadata) (world, error) {
	w := world{reported: c.reported.has(obj.UID)}
	for _, ref := range obj.OwnerReferences {
		owner, err := c.observeOwner(ctx, view, obj, ref)
		if err != nil {
			return world{}, fmt.Errorf("reading owner %s %s: %w", ref.Kind, ref.Name, err)
		}
		w.owners = append(w.owners, owner)
	}
	if !held(obj) && !w.mayBeHeld() {
		return w, nil
	}
	var err error
	if w.dependents, err = c.dependents(ctx, view, obj); err != nil {
		return world{}, err
	}
	w.circle, err = c.inCircle(ctx, view, obj, w)
	return w, err
}

// inCircle reports that an object waits for itself, through what it owns. It follows only dependents that wait as well,
// and looks only where a circle can be: an owner waits for the object too, and all that blocks it waits.
func (c *controller) inCircle(ctx context.Context, read client.Reader, obj *metav1.PartialObjectMetadata, w world) (bool, error) {
	blockers := w.blockers(obj)
	if !waiting(obj) || len(w.in(waits)) == 0 || slices.ContainsFunc(blockers, isNotWaiting) {
		return false, nil
	}
	visited := map[types.UID]bool{}
	for len(blockers) > 0 {
		next := blockers[0]
		blockers = blockers[1:]
		if next.UID == obj.UID {
			return true, nil
		}
		if visited[next.UID] || isNotWaiting(next) {
			continue
		}
		visited[next.UID] = true
		dependents, err := c.dependents(ctx, read, next)
		if err != nil {
			return false, err
		}
		blockers = append(blockers, world{dependents: dependents}.blockers(next)...)
	}
	return false, nil
}

func isNotWaiting(obj *metav1.PartialObjectMetadata) bool { return !waiting(obj) }

func (c *controller) observeOwner(ctx context.Context, read client.Reader, obj *metav1.PartialObjectMetadata, ref metav1.OwnerReference) (owner, error) {
	o := owner{OwnerReference: ref, state: unknown}
	gv, err := schema.ParseGroupVersion(ref.APIVersion)
	if err != nil {
		return o, nil //nolint:nilerr // a kind that cannot be, and so one that the server does not have
	}
	if c.known.died(ref.UID) {
		o.state = dead
		return o, nil
	}
	kind, known, all := c.known.find(schema.GroupKind{Group: gv.Group, Kind: ref.Kind})
	if !known {
		return o, nil
	}
	o.kind = kind.GroupVersionKind
	if kind.Namespaced {
		o.namespace = obj.Namespace
	}
	if kind.Namespaced && obj.Namespace == "" {
		o.state = invalid
		return o, nil
	}
	seen := metadataOf(kind.GroupVersionKind)
	err = read.Get(ctx, client.ObjectKey{Namespace: o.namespace, Name: ref.Name}, seen)
	switch {
	case client.IgnoreNotFound(err) != nil:
		return o, err
	case err == nil && seen.UID == ref.UID && waiting(seen):
		o.state = waits
	case err == nil && seen.UID == ref.UID:
		o.state = exists
	case !all:
		o.state = unread
	default:
		o.state = missing
		o.elsewhere, err = existsElsewhere(ctx, read, o)
	}
	return o, client.IgnoreNotFound(err)
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

// dependents lists the objects of all kinds that name obj as an owner.
func (c *controller) dependents(ctx context.Context, read client.Reader, obj *metav1.PartialObjectMetadata) ([]*metav1.PartialObjectMetadata, error) {
	var dependents []*metav1.PartialObjectMetadata
	for _, kind := range c.known.all() {
		list := metadataListOf(kind.GroupVersionKind)
		if err := read.List(ctx, list, client.MatchingFields{ownerField: string(obj.UID)}); err != nil {
			return nil, fmt.Errorf("listing dependents of kind %s: %w", kind.GroupKind(), err)
		}
		for i := range list.Items {
			dependent := &list.Items[i]
			dependent.SetGroupVersionKind(kind.GroupVersionKind)
			if obj.Namespace == "" || obj.Namespace == dependent.Namespace {
				dependents = append(dependents, dependent)
			}
		}
	}
	return dependents, nil
}

func metadataListOf(kind schema.GroupVersionKind) *metav1.PartialObjectMetadataList {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	return list
}

// missingOwner reads an owner from the API server and reports whether it is gone: not there, or another of its name.
func missingOwner(ctx context.Context, live client.Reader, o owner) (bool, error) {
	seen := metadataOf(o.kind)
	err := live.Get(ctx, client.ObjectKey{Namespace: o.namespace, Name: o.Name}, seen)
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	return err == nil && seen.UID != o.UID, err
}

func compare(a, b client.ObjectKey) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
