package loop

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// SplitCache is a cache of which objects of some kinds come from other caches. Indexes are those of the cache that is split.
type SplitCache struct {
	cache.Cache
	// Scheme knows the kinds of the objects that are read.
	Scheme *runtime.Scheme
	// Of is the cache for a kind; nil means the one that is split.
	Of func(kind schema.GroupKind) (cache.Cache, error)
}

// apart is the other cache that objects like obj, or a list of them, come from; nil if they come from the one that is split.
func (c *SplitCache) apart(obj runtime.Object) (cache.Cache, error) {
	kind, err := apiutil.GVKForObject(obj, c.Scheme)
	if err != nil {
		return nil, err
	}
	return c.Of(schema.GroupKind{Group: kind.Group, Kind: strings.TrimSuffix(kind.Kind, "List")})
}

// of is the cache that objects like obj come from.
func (c *SplitCache) of(obj runtime.Object) (cache.Cache, error) {
	apart, err := c.apart(obj)
	if apart == nil && err == nil {
		return c.Cache, nil
	}
	return apart, err
}

// Get reads an object.
func (c *SplitCache) Get(ctx context.Context, key client.ObjectKey, obj client.Object, options ...client.GetOption) error {
	from, err := c.of(obj)
	if err != nil {
		return err
	}
	return from.Get(ctx, key, obj, options...)
}

// List reads objects.
func (c *SplitCache) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	from, err := c.of(list)
	if err != nil {
		return err
	}
	return from.List(ctx, list, options...)
}

// GetInformer is the informer of objects like obj.
func (c *SplitCache) GetInformer(ctx context.Context, obj client.Object, options ...cache.InformerGetOption) (cache.Informer, error) {
	from, err := c.of(obj)
	if err != nil {
		return nil, err
	}
	return from.GetInformer(ctx, obj, options...)
}

// GetInformerForKind is the informer of a kind.
func (c *SplitCache) GetInformerForKind(ctx context.Context, kind schema.GroupVersionKind, options ...cache.InformerGetOption) (cache.Informer, error) {
	from, err := c.Of(kind.GroupKind())
	if err != nil {
		return nil, err
	}
	if from == nil {
		from = c.Cache
	}
	return from.GetInformerForKind(ctx, kind, options...)
}

// RemoveInformer ends the informer of objects like obj.
func (c *SplitCache) RemoveInformer(ctx context.Context, obj client.Object) error {
	from, err := c.of(obj)
	if err != nil {
		return err
	}
	return from.RemoveInformer(ctx, obj)
}
