package garbagecollector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The fields by which objects are found, besides their names.
const (
	uidField   = "metadata.uid"
	ownerField = "metadata.ownerReferences.uid"
)

// errNotMetadata is the answer to whoever asks the graph for more.
var errNotMetadata = errors.New("the graph holds nothing but metadata")

// Get reads the metadata of an object, as far as it is kept.
func (g *graph) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	metadata, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return fmt.Errorf("reading a %T: %w", obj, errNotMetadata)
	}
	kind := metadata.GroupVersionKind()
	g.mu.RLock()
	defer g.mu.RUnlock()
	n := g.kinds[kind][key]
	if n == nil {
		return apierrors.NewNotFound(schema.GroupResource{Group: kind.Group, Resource: kind.Kind}, key.Name)
	}
	n.into(metadata)
	return nil
}

// List finds metadata by one of the two fields only.
func (g *graph) List(_ context.Context, list client.ObjectList, opts ...client.ListOption) error {
	metadata, ok := list.(*metav1.PartialObjectMetadataList)
	if !ok {
		return fmt.Errorf("reading a %T: %w", list, errNotMetadata)
	}
	kind := metadata.GroupVersionKind()
	kind.Kind = kind.Kind[:len(kind.Kind)-len("List")]
	options := (&client.ListOptions{}).ApplyOptions(opts)
	if options.FieldSelector == nil || len(options.FieldSelector.Requirements()) != 1 {
		return fmt.Errorf("listing metadata of %s: the graph finds objects by %s or %s", kind.GroupKind(), uidField, ownerField)
	}
	by := options.FieldSelector.Requirements()[0]
	found := g.having(kind, by.Field, types.UID(by.Value))
	metadata.Items = make([]metav1.PartialObjectMetadata, len(found))
	for i, n := range found {
		n.into(&metadata.Items[i])
	}
	return nil
}

// having lists the objects of a kind that have a UID, or an owner with it.
func (g *graph) having(kind schema.GroupVersionKind, field string, uid types.UID) []*node {
	g.mu.RLock()
	defer g.mu.RUnlock()
	var found []*node
	if n := g.byUID[uid]; field == uidField && n != nil && n.Kind == kind {
		found = append(found, n)
	}
	if field == ownerField {
		for n := range g.dependents[uid] {
			if n.Kind == kind {
				found = append(found, n)
			}
		}
	}
	slices.SortFunc(found, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return found
}

// kindsOwnedBy are the kinds of the objects that have a reference to a UID.
func (g *graph) kindsOwnedBy(owner types.UID) []schema.GroupVersionKind {
	g.mu.RLock()
	defer g.mu.RUnlock()
	owned := map[schema.GroupVersionKind]bool{}
	for n := range g.dependents[owner] {
		owned[n.Kind] = true
	}
	return slices.SortedFunc(maps.Keys(owned), func(a, b schema.GroupVersionKind) int { return cmp.Compare(a.String(), b.String()) })
}
