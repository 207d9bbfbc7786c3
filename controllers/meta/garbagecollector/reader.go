package garbagecollector

import (
	"context"
	"fmt"
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

// indexUID and indexOwners are what those fields hold.
func indexUID(obj client.Object) []string { return []string{string(obj.GetUID())} }

func indexOwners(obj client.Object) []string {
	var uids []string
	for _, owner := range obj.GetOwnerReferences() {
		uids = append(uids, string(owner.UID))
	}
	return uids
}

// cached is a client that reads metadata from the graph. All else it leaves to another client.
type cached struct {
	client.Client
	graph *graph
}

func (c cached) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	metadata, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return c.Client.Get(ctx, key, obj, opts...)
	}
	kind := metadata.GroupVersionKind()
	c.graph.mu.RLock()
	defer c.graph.mu.RUnlock()
	n := c.graph.kinds[kind][key]
	if n == nil {
		return apierrors.NewNotFound(schema.GroupResource{Group: kind.Group, Resource: kind.Kind}, key.Name)
	}
	n.into(metadata)
	return nil
}

// List finds metadata by one of the two fields only.
func (c cached) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	metadata, ok := list.(*metav1.PartialObjectMetadataList)
	if !ok {
		return c.Client.List(ctx, list, opts...)
	}
	kind := metadata.GroupVersionKind()
	kind.Kind = kind.Kind[:len(kind.Kind)-len("List")]
	options := (&client.ListOptions{}).ApplyOptions(opts)
	if options.FieldSelector == nil || len(options.FieldSelector.Requirements()) != 1 {
		return fmt.Errorf("listing metadata of %s: the graph finds objects by %s or %s", kind.GroupKind(), uidField, ownerField)
	}
	by := options.FieldSelector.Requirements()[0]
	found := c.graph.find(kind, by.Field, types.UID(by.Value))
	metadata.Items = make([]metav1.PartialObjectMetadata, len(found))
	for i, n := range found {
		n.into(&metadata.Items[i])
	}
	return nil
}

// find lists the objects of a kind that have a UID, or an owner with it.
func (g *graph) find(kind schema.GroupVersionKind, field string, uid types.UID) []*node {
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
	slices.SortFunc(found, func(a, b *node) int { return compare(a.ObjectKey, b.ObjectKey) })
	return found
}
