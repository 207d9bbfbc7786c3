package looptest

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func (c *worldClient) Apply(_ context.Context, config runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	options := (&client.ApplyOptions{}).ApplyOptions(opts)
	if len(options.DryRun) > 0 {
		return errDryRun
	}
	return c.applyConfig(config, main, options.FieldManager)
}

// applyConfig applies a configuration and, as a real client does, reads the answer into it.
func (c *worldClient) applyConfig(config runtime.ApplyConfiguration, p part, manager string) error {
	data, err := json.Marshal(config)
	if err != nil {
		return fmt.Errorf("encoding an apply configuration: %w", err)
	}
	obj := &unstructured.Unstructured{}
	if err := obj.UnmarshalJSON(data); err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	if err := c.apply(obj, data, p, manager); err != nil {
		return err
	}
	answer, err := json.Marshal(obj)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", client.ObjectKeyFromObject(obj), err)
	}
	return json.Unmarshal(answer, config)
}

func (c *worldClient) apply(obj client.Object, data []byte, p part, manager string) error {
	if manager == "" {
		return apierrors.NewBadRequest("fieldManager is required for apply patch")
	}
	w := c.world
	verb := "apply"
	if p == status {
		verb += "/status"
	}
	return c.write(verb, obj, func(k *kind, current client.Object) (client.Object, error) {
		if current == nil {
			if p == status {
				return nil, notFound(k, obj.GetName())
			}
			wanted, err := w.decode(k.gvk, data)
			if err != nil {
				return nil, err
			}
			created, err := w.create(k, wanted)
			if err == nil {
				w.applied[appliedKey{created.GetUID(), manager, p}] = data
			}
			return created, err
		}
		key := appliedKey{current.GetUID(), manager, p}
		patch, err := w.applyPatchFor(key, current, data)
		if err != nil {
			return nil, err
		}
		wanted, err := w.patched(k, current, types.MergePatchType, patch)
		if err != nil {
			return nil, err
		}
		after, err := w.replace(k, current, wanted, p)
		if err == nil {
			w.applied[key] = data
		}
		return after, err
	})
}

// appliedKey is what a field manager applied to an object or to its status.
type appliedKey struct {
	uid     types.UID
	manager string
	part    part
}

// applyPatchFor turns what a manager applies into a JSON merge patch. It is server-side apply in small: what the
// manager applied before and no longer does is removed, maps are merged, lists are replaced as a whole, and other
// managers' fields are taken over. Conflicts between managers do not exist here.
func (w *World) applyPatchFor(key appliedKey, current client.Object, config []byte) ([]byte, error) {
	now, err := json.Marshal(current)
	if err != nil {
		return nil, fmt.Errorf("encoding %T: %w", current, err)
	}
	patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(w.applied[key], config, now)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return patch, nil
}
