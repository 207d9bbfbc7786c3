package looptest

import (
	"encoding/json"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// patched is current with a patch applied to it, in the form in which the world stores the kind.
func (w *World) patched(k *kind, current client.Object, kindOfPatch types.PatchType, data []byte) (client.Object, error) {
	before, err := json.Marshal(current)
	if err != nil {
		return nil, fmt.Errorf("encoding %T: %w", current, err)
	}
	after, err := applyPatch(current, before, kindOfPatch, data)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return w.decode(k.gvk, after)
}

func applyPatch(current client.Object, before []byte, kindOfPatch types.PatchType, data []byte) ([]byte, error) {
	switch kindOfPatch {
	case types.MergePatchType:
		return jsonpatch.MergePatch(before, data)
	case types.JSONPatchType:
		patch, err := jsonpatch.DecodePatch(data)
		if err != nil {
			return nil, err
		}
		return patch.Apply(before)
	case types.StrategicMergePatchType:
		if _, untyped := current.(*unstructured.Unstructured); untyped {
			return nil, fmt.Errorf("strategic merge patch is not supported for custom resources")
		}
		return strategicpatch.StrategicMergePatch(before, data, current)
	default:
		return nil, fmt.Errorf("a patch of type %q is not supported", kindOfPatch)
	}
}
