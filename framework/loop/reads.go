package loop

import (
	"context"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// reads is the reader that Observe gets. It remembers which kinds are read: those are the kinds whose own writes have to
// show before the next plan, and no others, for reading another would make the cache watch it.
type reads struct {
	client.Client
	kinds sync.Map // kindRead -> struct{}
}

// kindRead is a kind in one of the forms that the cache keeps apart: typed, unstructured and metadata only.
type kindRead struct {
	schema.GroupVersionKind
	form
}

func newReads(cached client.Client) *reads { return &reads{Client: cached} }

func (r *reads) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	r.note(obj)
	return r.Client.Get(ctx, key, obj, opts...)
}

func (r *reads) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	r.note(list)
	return r.Client.List(ctx, list, opts...)
}

// Lend implements Lender.
func (r *reads) Lend(ctx context.Context, list client.ObjectList, opts ...client.ListOption) ([]client.Object, error) {
	r.note(list)
	return lend(ctx, r.Client, list, opts)
}

func (r *reads) note(obj runtime.Object) {
	if kind, ok := r.kindOf(obj); ok {
		r.kinds.LoadOrStore(kind, struct{}{})
	}
}

// formsOf are new, empty objects of obj's kind, one for each form in which the kind has been read: a loop may well read
// only the metadata of what it creates whole.
func (r *reads) formsOf(obj client.Object) []client.Object {
	gvk, err := r.GroupVersionKindFor(obj)
	if err != nil {
		return nil
	}
	var empty []client.Object
	for _, form := range forms {
		if _, read := r.kinds.Load(kindRead{gvk, form}); read {
			empty = append(empty, form.empty(gvk, r.Scheme()))
		}
	}
	return empty
}

func (r *reads) kindOf(obj runtime.Object) (kindRead, bool) {
	gvk, err := r.GroupVersionKindFor(obj)
	if err != nil {
		return kindRead{}, false
	}
	gvk.Kind = strings.TrimSuffix(gvk.Kind, "List")
	return kindRead{gvk, formOf(obj)}, true
}

// form is how an object is held in memory. The cache keeps one informer for each form of a kind.
type form string

const (
	asTyped        form = "typed"
	asUnstructured form = "unstructured"
	asMetadata     form = "metadata"
)

var forms = []form{asTyped, asUnstructured, asMetadata}

func formOf(obj runtime.Object) form {
	switch obj.(type) {
	case *metav1.PartialObjectMetadata, *metav1.PartialObjectMetadataList:
		return asMetadata
	case runtime.Unstructured:
		return asUnstructured
	default:
		return asTyped
	}
}

// empty is a new, empty object of a kind. The scheme knows every kind that has been read in typed form.
func (f form) empty(gvk schema.GroupVersionKind, scheme *runtime.Scheme) client.Object {
	if f == asTyped {
		if obj, err := scheme.New(gvk); err == nil {
			return obj.(client.Object)
		}
	}
	if f == asMetadata {
		obj := &metav1.PartialObjectMetadata{}
		obj.SetGroupVersionKind(gvk)
		return obj
	}
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(gvk)
	return obj
}

// listOf is a new, empty list of objects like obj, in the same form.
func listOf(obj client.Object, scheme *runtime.Scheme) (client.ObjectList, error) {
	kind, err := apiutil.GVKForObject(obj, scheme)
	if err != nil {
		return nil, err
	}
	kind.Kind += "List"
	switch formOf(obj) {
	case asMetadata:
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(kind)
		return list, nil
	case asUnstructured:
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		return list, nil
	default:
		list, err := scheme.New(kind)
		if err != nil {
			return nil, err
		}
		return list.(client.ObjectList), nil
	}
}
