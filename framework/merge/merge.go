package merge

import (
	"encoding/json"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Patch is a JSON merge patch, by the fields at the top of an object. Nil changes nothing.
type Patch map[string]json.RawMessage

// Difference is the patch from observed to wanted, and nil where they are semantically the same. It panics on what is no
// object of an API: such a thing cannot have been observed.
func Difference(observed, wanted client.Object) Patch {
	if equality.Semantic.DeepEqual(observed, wanted) {
		return nil
	}
	data, err := client.MergeFrom(observed).Data(wanted)
	if err != nil {
		panic(fmt.Errorf("comparing %T %s with what it shall be: %w", observed, client.ObjectKeyFromObject(observed), err))
	}
	var patch Patch
	if err := json.Unmarshal(data, &patch); err != nil {
		panic(fmt.Errorf("reading the merge patch of %T %s: %w", observed, client.ObjectKeyFromObject(observed), err))
	}
	return patch.orNil()
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
