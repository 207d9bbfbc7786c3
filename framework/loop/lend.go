package loop

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// Lender is a reader that can hand out the very objects which it holds. Who reads many of them at every turn pays dearly for a list:
// even with client.UnsafeDisableDeepCopy that is a copy of the struct of each, a kilobyte of a pod.
type Lender interface {
	// Lend finds what list would be filled with, which stays empty. Nothing of what is lent may be changed, at whatever depth.
	Lend(ctx context.Context, list client.ObjectList, options ...client.ListOption) ([]client.Object, error)
}

// Borrow reads the objects of a kind that options ask for, as the cache itself has them: whoever changes one, be it a field at its
// top, copies it first. An empty list says which kind. What read does not lend is read as a list.
//
//	pods, err := loop.Borrow[*ocorev1.Pod](ctx, view, &ocorev1.PodList{}, client.InNamespace(namespace))
func Borrow[T client.Object](ctx context.Context, read client.Reader, list client.ObjectList, options ...client.ListOption) ([]T, error) {
	lent, err := lend(ctx, read, list, options)
	if err != nil {
		return nil, err
	}
	objs := make([]T, len(lent))
	for i, obj := range lent {
		of, ok := obj.(T)
		if !ok {
			return nil, fmt.Errorf("reading a %T: it holds a %T", list, obj)
		}
		objs[i] = of
	}
	return objs, nil
}

// lend borrows from a lender, and reads a list from any other reader.
func lend(ctx context.Context, read client.Reader, list client.ObjectList, options []client.ListOption) ([]client.Object, error) {
	if lender, ok := read.(Lender); ok {
		return lender.Lend(ctx, list, options...)
	}
	return listed(ctx, read, list, options)
}

// listed are the items of a list that is read.
func listed(ctx context.Context, read client.Reader, list client.ObjectList, options []client.ListOption) ([]client.Object, error) {
	if err := read.List(ctx, list, append(options[:len(options):len(options)], client.UnsafeDisableDeepCopy)...); err != nil {
		return nil, err
	}
	objs := make([]client.Object, 0, meta.LenList(list))
	err := meta.EachListItem(list, func(item runtime.Object) error {
		objs = append(objs, item.(client.Object))
		return nil
	})
	return objs, err
}

// lendingClient is a client that lends what the informers hold which it reads from.
type lendingClient struct {
	client.Client
	informers cache.Informers
	kinds     sync.Map // reflect.Type of a list -> client.Object, an empty one of the kind
}

// Lend implements Lender. It finds objects as the cache of controller-runtime does, whose indexes it shares.
func (c *lendingClient) Lend(ctx context.Context, list client.ObjectList, options ...client.ListOption) ([]client.Object, error) {
	by := (&client.ListOptions{}).ApplyOptions(options)
	held, err := c.heldOf(ctx, list)
	if err != nil {
		return nil, err
	}
	if held == nil || !findable(by) {
		return listed(ctx, c.Client, list, options)
	}
	found, err := find(held, by)
	if err != nil {
		return nil, err
	}
	objs := make([]client.Object, 0, len(found))
	for _, each := range found {
		obj, ok := each.(client.Object)
		if !ok {
			return nil, fmt.Errorf("reading a %T: the cache holds a %T", list, each)
		}
		if by.LabelSelector == nil || by.LabelSelector.Matches(labels.Set(obj.GetLabels())) {
			objs = append(objs, obj)
		}
	}
	return objs, nil
}

// heldOf is what the informer of a list's kind holds; nil if that is not to be seen, as of several informers that are one.
func (c *lendingClient) heldOf(ctx context.Context, list client.ObjectList) (toolscache.Indexer, error) {
	if formOf(list) != asTyped {
		return nil, nil
	}
	kind, err := c.kindOf(list)
	if err != nil {
		return nil, err
	}
	informer, err := c.informers.GetInformer(ctx, kind)
	if err != nil {
		return nil, fmt.Errorf("finding the informer of a %T: %w", kind, err)
	}
	if one, ok := informer.(toolscache.SharedIndexInformer); ok {
		return one.GetIndexer(), nil
	}
	return nil, nil
}

// kindOf is an empty object of the kind that a typed list holds. It is only looked at.
func (c *lendingClient) kindOf(list client.ObjectList) (client.Object, error) {
	if known, ok := c.kinds.Load(reflect.TypeOf(list)); ok {
		return known.(client.Object), nil
	}
	gvk, err := apiutil.GVKForObject(list, c.Scheme())
	if err != nil {
		return nil, err
	}
	gvk.Kind = strings.TrimSuffix(gvk.Kind, "List")
	obj, err := c.Scheme().New(gvk)
	if err != nil {
		return nil, err
	}
	c.kinds.Store(reflect.TypeOf(list), obj)
	return obj.(client.Object), nil
}

// findable reports that an informer's indexer finds what options ask for: all, those of a namespace, or those with a value of one field.
func findable(by *client.ListOptions) bool {
	if by.Limit > 0 || by.Continue != "" {
		return false
	}
	if by.FieldSelector == nil {
		return true
	}
	fields := by.FieldSelector.Requirements()
	return len(fields) == 1 && fields[0].Operator != selection.NotEquals
}

// The names and values of the indexes of controller-runtime, which has no exported functions for them.
const (
	fieldIndex    = "field:"
	allNamespaces = "__all_namespaces"
)

// find is what an indexer holds of what options ask for, but for labels.
func find(held toolscache.Indexer, by *client.ListOptions) ([]any, error) {
	switch {
	case by.FieldSelector != nil:
		field := by.FieldSelector.Requirements()[0]
		namespace := by.Namespace
		if namespace == metav1.NamespaceAll {
			namespace = allNamespaces
		}
		return held.ByIndex(fieldIndex+field.Field, namespace+"/"+field.Value)
	case by.Namespace != metav1.NamespaceAll:
		return held.ByIndex(toolscache.NamespaceIndex, by.Namespace)
	default:
		return held.List(), nil
	}
}
