package looptest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// reader reads the world as it is or, with a view, as the view knows it.
type reader struct {
	world *World
	view  *View
}

func (r reader) objects(k *kind) map[client.ObjectKey]client.Object {
	if r.view == nil {
		return k.objects
	}
	return r.view.of(k).objects
}

func (r reader) Get(_ context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	k, err := r.world.kindOf(obj)
	if err != nil {
		return err
	}
	stored := r.objects(k)[key]
	if stored == nil {
		return apierrors.NewNotFound(resource(k.gvk), key.Name)
	}
	if err := deliver(k.gvk, stored, obj); err != nil {
		return err
	}
	options := (&client.GetOptions{}).ApplyOptions(opts)
	if r.view != nil && ptr.Deref(options.UnsafeDisableDeepCopy, false) {
		r.view.lend(stored, shallow(obj))
	}
	return nil
}

// shallow is another object with the same maps, lists and pointers.
func shallow(obj client.Object) client.Object {
	other := reflect.New(reflect.TypeOf(obj).Elem())
	other.Elem().Set(reflect.ValueOf(obj).Elem())
	return other.Interface().(client.Object)
}

func (r reader) List(_ context.Context, list client.ObjectList, opts ...client.ListOption) error {
	options := (&client.ListOptions{}).ApplyOptions(opts)
	found, version, err := r.find(list, options, ptr.Deref(options.UnsafeDisableDeepCopy, false))
	if err != nil {
		return err
	}
	items := make([]runtime.Object, len(found))
	for i, item := range found {
		items[i] = item
	}
	if err := meta.SetList(list, items); err != nil {
		return fmt.Errorf("listing into %T: %w", list, err)
	}
	list.SetResourceVersion(version)
	return nil
}

// Lend implements loop.Lender: whoever changes what is lent, and be it a field at its top, is found out.
func (r reader) Lend(_ context.Context, list client.ObjectList, opts ...client.ListOption) ([]client.Object, error) {
	found, _, err := r.find(list, (&client.ListOptions{}).ApplyOptions(opts), true)
	return found, err
}

// find is what a list asks for, as copies, which a view notes to be lent or does not, and the version of the world.
func (r reader) find(list client.ObjectList, options *client.ListOptions, lent bool) (found []client.Object, version string, err error) {
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	k, err := r.world.kindOf(list)
	if err != nil {
		return nil, "", err
	}
	for _, stored := range r.matching(k, options) {
		item := itemOf(list, stored)
		if err := deliver(k.gvk, stored, item); err != nil {
			return nil, "", err
		}
		if r.view != nil && lent {
			r.view.lend(stored, item)
		}
		found = append(found, item)
	}
	return found, fmt.Sprint(r.world.version), nil
}

// itemOf is a new object of the form that a list holds.
func itemOf(list client.ObjectList, stored client.Object) client.Object {
	switch list.(type) {
	case *metav1.PartialObjectMetadataList:
		return &metav1.PartialObjectMetadata{}
	case *unstructured.UnstructuredList:
		return &unstructured.Unstructured{}
	default:
		return emptyLike(stored)
	}
}

// matching are the stored objects that a list asks for: sorted, or shuffled as the view has it.
func (r reader) matching(k *kind, options *client.ListOptions) []client.Object {
	objects := r.objects(k)
	var found []client.Object
	for _, key := range sortedKeys(objects) {
		if options.Namespace != "" && key.Namespace != options.Namespace {
			continue
		}
		obj := objects[key]
		if options.LabelSelector != nil && !options.LabelSelector.Matches(labels.Set(obj.GetLabels())) {
			continue
		}
		if options.FieldSelector != nil && !r.world.fieldsMatch(k, options.FieldSelector, obj) {
			continue
		}
		found = append(found, obj)
	}
	if r.view != nil && r.view.order != nil {
		r.view.order.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	}
	return found
}

// fieldsMatch reports whether an object has the fields that a selector asks for.
func (w *World) fieldsMatch(k *kind, selector fields.Selector, obj client.Object) bool {
	for _, want := range selector.Requirements() {
		has := slices.Contains(w.fieldValues(k, want.Field, obj), want.Value)
		if has == (want.Operator == selection.NotEquals) {
			return false
		}
	}
	return true
}

// fieldValues are the values of a field: those of its index, or else what stands at its path.
func (w *World) fieldValues(k *kind, field string, obj client.Object) []string {
	if values := w.indexes[indexKey{k.gvk, field}]; values != nil {
		return values(obj)
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return nil
	}
	value, found, err := unstructured.NestedFieldNoCopy(content, strings.Split(field, ".")...)
	if err != nil || !found {
		return []string{""}
	}
	return []string{fmt.Sprint(value)}
}
