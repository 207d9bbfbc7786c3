package looptest

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/orrery-dev/orrery/framework/loop"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// worldClient is a client of a world. Its reads come from a view or, without one, from the world as it is.
type worldClient struct {
	reader
	by string
	// line is what may go wrong between the client and the world; nil never fails.
	line *line
}

var (
	_ client.Client = (*worldClient)(nil)
	_ loop.Lender   = (*worldClient)(nil)
)

// Client returns a client that writes to the world on behalf of somebody, and reads it as it is.
func (w *World) Client(by string) client.Client {
	return &worldClient{reader: reader{world: w}, by: by}
}

// ClientOf returns a client that writes to the world on behalf of somebody, and reads a view of it.
func (v *View) ClientOf(by string) client.Client {
	return &worldClient{reader: reader{world: v.world, view: v}, by: by}
}

func (c *worldClient) Scheme() *runtime.Scheme { return c.world.scheme }

func (c *worldClient) GroupVersionKindFor(obj runtime.Object) (schema.GroupVersionKind, error) {
	return apiutil.GVKForObject(obj, c.world.scheme)
}

// IsObjectNamespaced is true unless the world holds an object of the kind without a namespace.
func (c *worldClient) IsObjectNamespaced(obj runtime.Object) (bool, error) {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	k, err := c.world.kindOf(obj)
	if err != nil {
		return false, err
	}
	return k.namespaced(), nil
}

func (k *kind) namespaced() bool {
	return len(k.changes) == 0 || k.changes[0].key.Namespace != ""
}

func (c *worldClient) RESTMapper() meta.RESTMapper {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	mapper := meta.NewDefaultRESTMapper(nil)
	for gvk := range c.world.scheme.AllKnownTypes() {
		mapper.Add(gvk, meta.RESTScopeNamespace)
	}
	for gvk, k := range c.world.kinds {
		if !k.namespaced() {
			mapper.Add(gvk, meta.RESTScopeRoot)
		}
	}
	return mapper
}

func (c *worldClient) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if err := c.reads(obj); err != nil {
		return err
	}
	return c.reader.Get(ctx, key, obj, opts...)
}

func (c *worldClient) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	if err := c.reads(list); err != nil {
		return err
	}
	return c.reader.List(ctx, list, opts...)
}

// Lend implements loop.Lender.
func (c *worldClient) Lend(ctx context.Context, list client.ObjectList, opts ...client.ListOption) ([]client.Object, error) {
	if err := c.reads(list); err != nil {
		return nil, err
	}
	return c.reader.Lend(ctx, list, opts...)
}

// reads is the way of every read over the line. What fails to be read is left as it is: empty, if the reader has made it so.
func (c *worldClient) reads(obj runtime.Object) error {
	gvk, err := apiutil.GVKForObject(obj, c.world.scheme)
	if err != nil {
		return err
	}
	gvk.Kind = strings.TrimSuffix(gvk.Kind, "List")
	return c.line.reads(c.by, gvk)
}

func (c *worldClient) Create(_ context.Context, obj client.Object, opts ...client.CreateOption) error {
	if options := (&client.CreateOptions{}).ApplyOptions(opts); len(options.DryRun) > 0 {
		return errDryRun
	}
	gvk, err := apiutil.GVKForObject(obj, c.world.scheme)
	if err != nil {
		return err
	}
	if answer := c.world.Reviews[gvk.Kind]; answer != nil {
		if err := c.line.reads(c.by, gvk); err != nil {
			return err
		}
		return answer(obj)
	}
	return c.write("create", obj, func(k *kind, _ client.Object) (client.Object, error) {
		_, wanted, err := c.world.canonical(obj)
		if err != nil {
			return nil, err
		}
		return c.world.create(k, wanted)
	})
}

func (c *worldClient) Update(_ context.Context, obj client.Object, opts ...client.UpdateOption) error {
	if options := (&client.UpdateOptions{}).ApplyOptions(opts); len(options.DryRun) > 0 {
		return errDryRun
	}
	return c.update("update", obj, main)
}

func (c *worldClient) update(verb string, obj client.Object, p part) error {
	return c.write(verb, obj, func(k *kind, current client.Object) (client.Object, error) {
		_, wanted, err := c.world.canonical(obj)
		if err != nil {
			return nil, err
		}
		return c.world.replace(k, current, wanted, p)
	})
}

func (c *worldClient) Patch(_ context.Context, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
	options := (&client.PatchOptions{}).ApplyOptions(opts)
	if len(options.DryRun) > 0 {
		return errDryRun
	}
	return c.patch("patch", obj, patch, main, options.FieldManager)
}

func (c *worldClient) patch(verb string, obj client.Object, patch client.Patch, p part, manager string) error {
	data, err := patch.Data(obj)
	if err != nil {
		return fmt.Errorf("encoding a patch of %s: %w", client.ObjectKeyFromObject(obj), err)
	}
	if patch.Type() == types.ApplyPatchType {
		return c.apply(obj, data, p, manager)
	}
	return c.write(verb, obj, func(k *kind, current client.Object) (client.Object, error) {
		wanted, err := c.world.patched(k, current, patch.Type(), data)
		if err != nil {
			return nil, err
		}
		return c.world.replace(k, current, wanted, p)
	})
}

func (c *worldClient) Delete(_ context.Context, obj client.Object, opts ...client.DeleteOption) error {
	options := (&client.DeleteOptions{}).ApplyOptions(opts)
	if len(options.DryRun) > 0 {
		return errDryRun
	}
	kept := obj.DeepCopyObject().(client.Object) // a real client does not change what it is told to delete
	return c.write("delete", kept, func(k *kind, current client.Object) (client.Object, error) {
		return c.world.delete(k, current, options)
	})
}

func (c *worldClient) DeleteAllOf(ctx context.Context, obj client.Object, opts ...client.DeleteAllOfOption) error {
	options := (&client.DeleteAllOfOptions{}).ApplyOptions(opts)
	c.world.mu.Lock()
	k, err := c.world.kindOf(obj)
	var found []client.Object
	if err == nil {
		found = reader{world: c.world}.matching(k, &options.ListOptions)
	}
	c.world.mu.Unlock()
	if err != nil {
		return err
	}
	for _, stored := range found {
		named := emptyLike(stored)
		named.GetObjectKind().SetGroupVersionKind(k.gvk)
		named.SetNamespace(stored.GetNamespace())
		named.SetName(stored.GetName())
		if err := c.Delete(ctx, named, &options.DeleteOptions); client.IgnoreNotFound(err) != nil {
			return err
		}
	}
	return nil
}

var errDryRun = apierrors.NewBadRequest("this world has no dry run")

// write is the way of every write: over the line, into the world, and back over the line. do changes the world; it gets
// the present object, which is nil only for create and apply, and answers the new one, or nil if it is gone.
func (c *worldClient) write(verb string, obj client.Object, do func(k *kind, current client.Object) (client.Object, error)) error {
	if err := c.line.there(c.by, verb, obj); err != nil {
		return err
	}
	if c.world.Refuse != nil {
		if err := c.world.Refuse(Write{By: c.by, Verb: verb, After: obj}); err != nil {
			return err
		}
	}
	gvk, before, after, err := c.change(verb, obj, do)
	if err != nil {
		return err
	}
	done := Write{By: c.by, Verb: verb, Before: before, After: after}
	c.world.tell(done)
	if c.world.Lose != nil {
		if err := c.world.Lose(done); err != nil {
			return err
		}
	}
	if err := c.line.back(c.by, verb, obj); err != nil {
		return err
	}
	if after == nil {
		return nil
	}
	return deliver(gvk, after, obj)
}

func (c *worldClient) change(verb string, obj client.Object, do func(k *kind, current client.Object) (client.Object, error)) (
	gvk schema.GroupVersionKind, before, after client.Object, err error) {
	w := c.world
	w.mu.Lock()
	defer w.mu.Unlock()
	k, err := w.kindOf(obj)
	if err != nil {
		return gvk, nil, nil, err
	}
	current := k.objects[client.ObjectKeyFromObject(obj)]
	if current == nil && verb != "create" && verb != "apply" {
		return gvk, nil, nil, notFound(k, obj.GetName())
	}
	if verb != "create" {
		before = current
	}
	after, err = do(k, current)
	return k.gvk, before, after, err
}

// emptyLike is a new object of the same type.
func emptyLike(obj client.Object) client.Object {
	return reflect.New(reflect.TypeOf(obj).Elem()).Interface().(client.Object)
}
