package looptest

import (
	"encoding/json"
	"fmt"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// canonical is an object in the form in which the world stores its kind: typed where the scheme has a type, else
// unstructured. It has been through JSON, as everything has that an API server stores: times lose their fractions, and
// what is not encoded is lost.
func (w *World) canonical(obj client.Object) (*kind, client.Object, error) {
	k, err := w.kindOf(obj)
	if err != nil {
		return nil, nil, err
	}
	data, err := json.Marshal(obj)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding %T %s: %w", obj, client.ObjectKeyFromObject(obj), err)
	}
	stored, err := w.decode(k.gvk, data)
	return k, stored, err
}

// decode is an object of a kind, in the form in which the world stores it.
func (w *World) decode(gvk schema.GroupVersionKind, data []byte) (client.Object, error) {
	if !w.scheme.Recognizes(gvk) {
		obj := &unstructured.Unstructured{}
		if err := obj.UnmarshalJSON(data); err != nil {
			return nil, fmt.Errorf("decoding a %s: %w", gvk.Kind, err)
		}
		return obj, nil
	}
	empty, err := w.scheme.New(gvk)
	if err != nil {
		return nil, fmt.Errorf("making a %s: %w", gvk.Kind, err)
	}
	if err := json.Unmarshal(data, empty); err != nil {
		return nil, fmt.Errorf("decoding a %s: %w", gvk.Kind, err)
	}
	obj := empty.(client.Object)
	obj.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{}) // as every typed client does
	return obj, nil
}

// deliver copies a stored object into one of any form.
func deliver(gvk schema.GroupVersionKind, stored, into client.Object) error {
	switch into := into.(type) {
	case *metav1.PartialObjectMetadata:
		*into = metav1.PartialObjectMetadata{ObjectMeta: metaOf(stored)}
		into.SetGroupVersionKind(gvk)
	case *unstructured.Unstructured:
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(stored)
		if err != nil {
			return fmt.Errorf("converting %T: %w", stored, err)
		}
		into.Object = content
		into.SetGroupVersionKind(gvk)
	default:
		if reflect.TypeOf(stored) == reflect.TypeOf(into) {
			reflect.ValueOf(into).Elem().Set(reflect.ValueOf(stored.DeepCopyObject()).Elem())
			return nil
		}
		data, err := json.Marshal(stored)
		if err != nil {
			return fmt.Errorf("encoding %T: %w", stored, err)
		}
		reflect.ValueOf(into).Elem().SetZero()
		if err := json.Unmarshal(data, into); err != nil {
			return fmt.Errorf("decoding %T: %w", into, err)
		}
	}
	return nil
}

// metaOf is a copy of an object's metadata.
func metaOf(obj client.Object) metav1.ObjectMeta {
	if accessor, ok := obj.(metav1.ObjectMetaAccessor); ok {
		if m, ok := accessor.GetObjectMeta().(*metav1.ObjectMeta); ok {
			return *m.DeepCopy()
		}
	}
	u := obj.DeepCopyObject().(client.Object)
	return metav1.ObjectMeta{
		Name:                       u.GetName(),
		GenerateName:               u.GetGenerateName(),
		Namespace:                  u.GetNamespace(),
		UID:                        u.GetUID(),
		ResourceVersion:            u.GetResourceVersion(),
		Generation:                 u.GetGeneration(),
		CreationTimestamp:          u.GetCreationTimestamp(),
		DeletionTimestamp:          u.GetDeletionTimestamp(),
		DeletionGracePeriodSeconds: u.GetDeletionGracePeriodSeconds(),
		Labels:                     u.GetLabels(),
		Annotations:                u.GetAnnotations(),
		OwnerReferences:            u.GetOwnerReferences(),
		Finalizers:                 u.GetFinalizers(),
		ManagedFields:              u.GetManagedFields(),
	}
}

// stanza is a part of an object ("Spec", "Status") that can be read, compared and copied.
type stanza struct{ name, json string }

var (
	specOf   = stanza{"Spec", "spec"}
	statusOf = stanza{"Status", "status"}
)

// in is the stanza's value; nil where the object has none.
func (s stanza) in(obj client.Object) any {
	if u, ok := obj.(*unstructured.Unstructured); ok {
		return u.Object[s.json]
	}
	if v := reflect.ValueOf(obj).Elem().FieldByName(s.name); v.IsValid() {
		return v.Interface()
	}
	return nil
}

// copy sets the stanza of one object to that of another of the same form.
func (s stanza) copy(to, from client.Object) {
	if u, ok := to.(*unstructured.Unstructured); ok {
		value, found := from.(*unstructured.Unstructured).Object[s.json]
		if found {
			u.Object[s.json] = runtime.DeepCopyJSONValue(value)
		} else {
			delete(u.Object, s.json)
		}
		return
	}
	target := reflect.ValueOf(to).Elem().FieldByName(s.name)
	if target.IsValid() {
		target.Set(reflect.ValueOf(from.DeepCopyObject()).Elem().FieldByName(s.name))
	}
}

// clear removes the stanza's value.
func (s stanza) clear(obj client.Object) {
	if u, ok := obj.(*unstructured.Unstructured); ok {
		delete(u.Object, s.json)
		return
	}
	if v := reflect.ValueOf(obj).Elem().FieldByName(s.name); v.IsValid() {
		v.SetZero()
	}
}

// newObject is a new, empty object of a pointer type.
func newObject[T client.Object]() T {
	return reflect.New(reflect.TypeFor[T]().Elem()).Interface().(T)
}
