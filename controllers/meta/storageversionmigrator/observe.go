package storageversionmigrator

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
	storagemigrationv1 "k8s.io/api/storagemigration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

type migration = storagemigrationv1.StorageVersionMigration

// world is what there is about a resource.
type world struct {
	resource schema.GroupResource
	// over are the migrations that have ended and are still said to run, running are those that run, and waiting those that wait for
	// them, each the oldest first. Others have nothing to do with what happens next.
	over, running, waiting []*migration
	// kind is how the server has the resource; nil if it has none. It is known while a migration runs.
	kind *kinds.Kind
	// latest is how far the resource is. It is known while a migration runs that has to be told.
	latest string
	// definition is the CustomResourceDefinition of the resource; nil if there is none. It is known while a migration has to begin or
	// is over.
	definition *unstructured.Unstructured
}

// Observe reads the migrations of the resource, and of the resource what they need next.
func (c Controller) Observe(ctx context.Context, view loop.View, key client.ObjectKey) (world, error) {
	w := world{resource: schema.ParseGroupResource(key.Name)}
	if err := w.sort(ctx, view, key); err != nil {
		return world{}, err
	}
	var err error
	switch {
	case len(w.over) > 0, len(w.running) == 0 && len(w.waiting) > 0:
		w.definition, err = definitionOf(ctx, view.Live(), key)
	case len(w.running) > 0:
		if w.kind, err = c.kindOf(ctx, w.resource); err == nil && w.kind != nil && untold(w.running) && migratable(w.kind) {
			w.latest, err = latest(ctx, view.Live(), w.kind)
		}
	default:
		return world{}, engine.ErrGone
	}
	return w, err
}

// sort reads the migrations.
func (w *world) sort(ctx context.Context, read client.Reader, key client.ObjectKey) error {
	var all storagemigrationv1.StorageVersionMigrationList
	if err := read.List(ctx, &all, client.MatchingFields{field: key.Name}); err != nil {
		return fmt.Errorf("listing the migrations of %s: %w", key.Name, err)
	}
	slices.SortFunc(all.Items, func(a, b migration) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), strings.Compare(a.Name, b.Name))
	})
	for i := range all.Items {
		m := &all.Items[i]
		switch runs, ended := is(m, storagemigrationv1.MigrationRunning), ended(m); {
		case runs && ended:
			w.over = append(w.over, m)
		case runs:
			w.running = append(w.running, m)
		case !ended:
			w.waiting = append(w.waiting, m)
		}
	}
	return nil
}

// untold reports that a migration is not told yet how far the resource is.
func untold(running []*migration) bool {
	return slices.ContainsFunc(running, func(m *migration) bool { return m.Status.ResourceVersion == "" })
}

// kindOf is how the server has a resource; nil if it has none.
func (c Controller) kindOf(ctx context.Context, resource schema.GroupResource) (*kinds.Kind, error) {
	all, err := c.kinds.Kinds(ctx)
	for i := range all {
		if all[i].GroupVersionResource().GroupResource() == resource {
			return &all[i], nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("looking for resource %s: %w", resource, err)
	}
	return nil, nil
}

// latest is how far a resource is.
func latest(ctx context.Context, live client.Reader, kind *kinds.Kind) (string, error) {
	one := listOf(kind)
	if err := live.List(ctx, one, client.Limit(1)); err != nil {
		return "", fmt.Errorf("asking how far %s is: %w", kind.GroupVersionResource().GroupResource(), err)
	}
	return one.ResourceVersion, nil
}

// listOf is an empty list of the metadata of objects of a kind.
func listOf(kind *kinds.Kind) *metav1.PartialObjectMetadataList {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	return list
}

// definitionOf is the CustomResourceDefinition of a resource; nil if there is none.
func definitionOf(ctx context.Context, live client.Reader, key client.ObjectKey) (*unstructured.Unstructured, error) {
	if !strings.Contains(key.Name, ".") {
		return nil, nil // of the core group, which has none
	}
	definition := &unstructured.Unstructured{}
	definition.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	switch err := live.Get(ctx, key, definition); {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading CustomResourceDefinition %s: %w", key.Name, err)
	default:
		return definition, nil
	}
}
