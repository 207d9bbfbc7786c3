package merge

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Patch is a JSON merge patch, by the fields at the top of an object. Nil changes nothing.
type Patch map[string]json.RawMessage

// Difference is the patch from observed to wanted, and nil where they are semantically the same. It panics on what is no
// object of an API: such a thing cannot have been observed.
func Difference(observed, wanted client.Object) Patch {
	was, is := differing(observed, wanted)
	if was == nil {
		return nil
	}
	data, err := client.MergeFrom(was).Data(is)
	if err != nil {
		panic(fmt.Errorf("comparing %T %s with what it shall be: %w", observed, client.ObjectKeyFromObject(observed), err))
	}
	var patch Patch
	if err := json.Unmarshal(data, &patch); err != nil {
		panic(fmt.Errorf("reading the merge patch of %T %s: %w", observed, client.ObjectKeyFromObject(observed), err))
	}
	return patch.orNil()
}

// differing are two objects with nothing but the fields at their tops in which they differ, and nil where there are none. To spell a
// pod as JSON because of one finalizer costs twenty times what its metadata cost.
func differing(observed, wanted client.Object) (was, is client.Object) {
	from, to := reflect.ValueOf(observed), reflect.ValueOf(wanted)
	if from.Type() != to.Type() || !hasFields(observed) {
		if equality.Semantic.DeepEqual(observed, wanted) {
			return nil, nil
		}
		return observed, wanted
	}
	left, right := reflect.New(from.Type().Elem()), reflect.New(from.Type().Elem())
	differ := false
	for i := range from.Elem().NumField() {
		a, b := from.Elem().Field(i), to.Elem().Field(i)
		if !equality.Semantic.DeepEqual(a.Interface(), b.Interface()) {
			left.Elem().Field(i).Set(a)
			right.Elem().Field(i).Set(b)
			differ = true
		}
	}
	if !differ {
		return nil, nil
	}
	return left.Interface().(client.Object), right.Interface().(client.Object)
}

// hasFields reports that an object is a pointer to a struct all of whose fields can be read.
func hasFields(obj client.Object) bool {
	t := reflect.TypeOf(obj)
	if _, free := obj.(runtime.Unstructured); free || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return false
	}
	for i := range t.Elem().NumField() {
		if !t.Elem().Field(i).IsExported() {
			return false
		}
	}
	return true
}

// Fields is the patch that sets fields at the top of an object. It panics on values that JSON does not have.
func Fields(fields map[string]any) Patch {
	patch := Patch{}
	for field, value := range fields {
		patch[field] = raw(value)
	}
	return patch.orNil()
}

// Only is the part of a patch that concerns some fields at the top of an object.
func (p Patch) Only(concerns func(field string) bool) Patch {
	part := maps.Clone(p)
	maps.DeleteFunc(part, func(field string, _ json.RawMessage) bool { return !concerns(field) })
	return part.orNil()
}

// String is the patch as JSON.
func (p Patch) String() string { return string(raw(p)) }

// Locked is the patch as a request that is refused with a conflict unless the object has a resourceVersion and, where one
// is given, a UID.
func (p Patch) Locked(uid types.UID, resourceVersion string) client.Patch {
	metadata := map[string]json.RawMessage{}
	if set, ok := p["metadata"]; ok {
		if err := json.Unmarshal(set, &metadata); err != nil {
			panic(fmt.Errorf("reading the metadata of a merge patch: %w", err))
		}
	}
	metadata["resourceVersion"] = raw(resourceVersion)
	if uid != "" {
		metadata["uid"] = raw(uid)
	}
	locked := Patch{}
	maps.Copy(locked, p)
	locked["metadata"] = raw(metadata)
	return client.RawPatch(types.MergePatchType, raw(locked))
}

func (p Patch) orNil() Patch {
	if len(p) == 0 {
		return nil
	}
	return p
}

func raw(value any) json.RawMessage {
	data, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Errorf("writing a merge patch: %w", err))
	}
	return data
}
