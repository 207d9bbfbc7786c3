package loop

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Apart has the loop read objects of a kind from a cache of its own, which holds no others than by says: those of one namespace, or
// with one value of a field. It asks for them as the loop, which so needs no right to see the others, and nobody else sees any.
// What wakes the loop comes from there too. Its reads have to leave out the same objects: without a manager there is no such cache.
func Apart(obj client.Object, by cache.ByObject) Option {
	return func(d *declaration) { d.apart = append(d.apart, part{obj, by}) }
}

// part is what a loop reads apart from others.
type part struct {
	object client.Object
	by     cache.ByObject
}

// parted is a manager as a loop knows it that reads some kinds apart.
type parted struct {
	manager.Manager
	cache  cache.Cache
	client client.Client
}

func (m *parted) GetCache() cache.Cache    { return m.cache }
func (m *parted) GetClient() client.Client { return m.client }

// partedFrom is the manager as the loop knows it.
func (d *declaration) partedFrom(mgr manager.Manager) (manager.Manager, error) {
	if len(d.apart) == 0 {
		return mgr, nil
	}
	options := cache.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(), NewInformer: InformersIn(mgr),
		DefaultTransform: cache.TransformStripManagedFields(), ByObject: map[client.Object]cache.ByObject{},
	}
	kinds := map[schema.GroupKind]bool{}
	for _, p := range d.apart {
		gvk, err := apiutil.GVKForObject(p.object, mgr.GetScheme())
		if err != nil {
			return nil, fmt.Errorf("finding the kind of %T: %w", p.object, err)
		}
		kinds[gvk.GroupKind()] = true
		options.ByObject[p.object] = p.by
	}
	own, err := cache.New(mgr.GetConfig(), options)
	if err == nil {
		err = mgr.Add(own)
	}
	if err != nil {
		return nil, fmt.Errorf("making a cache of its own: %w", err)
	}
	split := &SplitCache{Cache: mgr.GetCache(), Scheme: mgr.GetScheme(), Of: func(kind schema.GroupKind) (cache.Cache, error) {
		if kinds[kind] {
			return own, nil
		}
		return nil, nil
	}}
	return &parted{mgr, split, readsApart{mgr.GetClient(), split}}, nil
}

// readsApart is a client that reads some kinds from caches apart.
type readsApart struct {
	client.Client
	cache *SplitCache
}

func (r readsApart) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	from, err := r.from(obj)
	if err != nil {
		return err
	}
	return from.Get(ctx, key, obj, opts...)
}

func (r readsApart) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	from, err := r.from(list)
	if err != nil {
		return err
	}
	return from.List(ctx, list, opts...)
}

// from is what objects like obj, or a list of them, are read from.
func (r readsApart) from(obj runtime.Object) (client.Reader, error) {
	if apart, err := r.cache.apart(obj); apart != nil || err != nil {
		return apart, err
	}
	return r.Client, nil
}
