package wiring

import (
	"context"
	"fmt"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/orrery-dev/orrery/framework/loop"
)

// secretsApart is the cache that loops share, as one of them knows it: Secrets come from a cache of the loop's own, which
// reads them as the loop. It is made when the loop first asks for one. So Secrets are held for, and may be read by, those loops
// alone whose markers ask for them. Indexes of Secrets there are none: those that loops declare are of the shared cache.
type secretsApart struct {
	cache.Cache
	scheme *runtime.Scheme
	own    func() (cache.Cache, error)
}

// newSecretsApart makes it of a manager's cache, for a loop of that manager.
func newSecretsApart(mgr manager.Manager, m *asLoop) *secretsApart {
	return &secretsApart{
		Cache:  mgr.GetCache(),
		scheme: mgr.GetScheme(),
		own: sync.OnceValues(func() (cache.Cache, error) {
			own, err := cache.New(m.config, cache.Options{
				HTTPClient: m.http, Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(), NewInformer: loop.NewInformer,
			})
			if err == nil {
				err = mgr.Add(own)
			}
			if err != nil {
				return nil, fmt.Errorf("making a cache of Secrets: %w", err)
			}
			return own, nil
		}),
	}
}

// of is the cache for objects like obj.
func (c *secretsApart) of(obj runtime.Object) (cache.Cache, error) {
	kind, err := apiutil.GVKForObject(obj, c.scheme)
	if err != nil {
		return nil, err
	}
	return c.ofKind(kind)
}

func (c *secretsApart) ofKind(kind schema.GroupVersionKind) (cache.Cache, error) {
	if kind.Group == corev1.GroupName && strings.TrimSuffix(kind.Kind, "List") == "Secret" {
		return c.own()
	}
	return c.Cache, nil
}

func (c *secretsApart) Get(ctx context.Context, key client.ObjectKey, obj client.Object, options ...client.GetOption) error {
	from, err := c.of(obj)
	if err != nil {
		return err
	}
	return from.Get(ctx, key, obj, options...)
}

func (c *secretsApart) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	from, err := c.of(list)
	if err != nil {
		return err
	}
	return from.List(ctx, list, options...)
}

func (c *secretsApart) GetInformer(ctx context.Context, obj client.Object, options ...cache.InformerGetOption) (cache.Informer, error) {
	from, err := c.of(obj)
	if err != nil {
		return nil, err
	}
	return from.GetInformer(ctx, obj, options...)
}

func (c *secretsApart) GetInformerForKind(ctx context.Context, kind schema.GroupVersionKind, options ...cache.InformerGetOption) (cache.Informer, error) {
	from, err := c.ofKind(kind)
	if err != nil {
		return nil, err
	}
	return from.GetInformerForKind(ctx, kind, options...)
}

func (c *secretsApart) RemoveInformer(ctx context.Context, obj client.Object) error {
	from, err := c.of(obj)
	if err != nil {
		return err
	}
	return from.RemoveInformer(ctx, obj)
}
