package replica

import (
	"encoding/json"
	"io"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// patch merges the body of a request into an object. An applied configuration is merged too: nobody else manages fields here.
func (r *Replica) patch(request *request) (*unstructured.Unstructured, error) {
	patch, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	kind, _, _ := strings.Cut(request.Header.Get("Content-Type"), ";")
	return r.Change(request.Context(), request.resource, request.name, func(object *unstructured.Unstructured) error {
		version, uid := object.GetResourceVersion(), object.GetUID()
		before, err := json.Marshal(object.Object)
		if err != nil {
			return err
		}
		after, err := merged(types.PatchType(kind), object, before, patch)
		if err != nil {
			return badRequest("patching %s: %v", request.name, err)
		}
		object.Object = map[string]any{}
		if err := json.Unmarshal(after, &object.Object); err != nil {
			return err
		}
		object.SetResourceVersion(version)
		object.SetUID(uid)
		return nil
	})
}

func merged(kind types.PatchType, object *unstructured.Unstructured, before, patch []byte) ([]byte, error) {
	switch kind {
	case types.MergePatchType:
		return jsonpatch.MergePatch(before, patch)
	case types.ApplyYAMLPatchType:
		var err error
		if patch, err = yaml.YAMLToJSON(patch); err != nil {
			return nil, err
		}
		fallthrough
	case types.StrategicMergePatchType, types.ApplyCBORPatchType:
		typed, err := clientgoscheme.Scheme.New(object.GroupVersionKind())
		if err != nil {
			return jsonpatch.MergePatch(before, patch)
		}
		return strategicpatch.StrategicMergePatch(before, patch, typed)
	}
	return nil, badRequest("a patch of type %s is not known here", kind)
}
