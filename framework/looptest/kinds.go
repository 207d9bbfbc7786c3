package looptest

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// kindOf is the kind of a typed, unstructured or metadata-only object or list.
func (w *World) kindOf(obj runtime.Object) (*kind, error) {
	gvk, err := apiutil.GVKForObject(obj, w.scheme)
	if err != nil {
		return nil, fmt.Errorf("finding the kind of %T: %w", obj, err)
	}
	if meta.IsListType(obj) {
		gvk.Kind = strings.TrimSuffix(gvk.Kind, "List")
	}
	return w.kind(gvk), nil
}

func (w *World) kind(gvk schema.GroupVersionKind) *kind {
	k := w.kinds[gvk]
	if k == nil {
		k = &kind{gvk: gvk, objects: map[client.ObjectKey]client.Object{}}
		w.kinds[gvk] = k
	}
	return k
}

// sortedKinds are the kinds in an order of their own, the same every time.
func (w *World) sortedKinds() []*kind {
	kinds := make([]*kind, 0, len(w.kinds))
	for _, k := range w.kinds {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b *kind) int { return strings.Compare(a.gvk.String(), b.gvk.String()) })
	return kinds
}

func sortedKeys(objects map[client.ObjectKey]client.Object) []client.ObjectKey {
	keys := make([]client.ObjectKey, 0, len(objects))
	for key := range objects {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b client.ObjectKey) int {
		if order := strings.Compare(a.Namespace, b.Namespace); order != 0 {
			return order
		}
		return strings.Compare(a.Name, b.Name)
	})
	return keys
}
