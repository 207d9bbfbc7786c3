package loop

import (
	"context"
	"reflect"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// reads is the reader that Observe gets. It remembers which kinds are read: those are the kinds whose own writes have to
// show before the next plan, and no others, for reading another would make the cache watch it.
type reads struct {
	client.Client
	around surroundings
	kinds  sync.Map // kindRead -> struct{}
}

// kindRead is a kind in one of the forms that the cache keeps apart: typed, unstructured and metadata only.
type kindRead struct {
	schema.GroupVersionKind
	form string
}

func newReads(cluster Cluster) *reads {
	return &reads{
		Client: cluster.Client,
		around: surroundings{live: cluster.Live, clock: cluster.Clock, sightings: &sightings{}},
	}
}

func (r *reads) surroundings() surroundings { return r.around }

func (r *reads) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	r.note(obj)
	return r.Client.Get(ctx, key, obj, opts...)
}

func (r *reads) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	r.note(list)
	return r.Client.List(ctx, list, opts...)
}

func (r *reads) note(obj runtime.Object) {
	if kind, ok := r.kindOf(obj); ok {
		r.kinds.LoadOrStore(kind, struct{}{})
	}
}

// reads reports whether objects of obj's kind, in its form, have been read.
func (r *reads) reads(obj client.Object) bool {
	kind, ok := r.kindOf(obj)
	if !ok {
		return false
	}
	_, ok = r.kinds.Load(kind)
	return ok
}

func (r *reads) kindOf(obj runtime.Object) (kindRead, bool) {
	gvk, err := r.GroupVersionKindFor(obj)
	if err != nil {
		return kindRead{}, false
	}
	gvk.Kind = strings.TrimSuffix(gvk.Kind, "List")
	form := "typed"
	if pkg := reflect.TypeOf(obj).Elem().PkgPath(); strings.HasPrefix(pkg, "k8s.io/apimachinery/") {
		form = strings.TrimSuffix(reflect.TypeOf(obj).Elem().Name(), "List")
	}
	return kindRead{gvk, form}, true
}
