package looptest

import (
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The scale of an object is made of the fields that the built-in kinds have: spec.replicas, which is 1 where it is not said,
// status.replicas, and spec.selector, of labels or as a label selector.

// readScale reads the scale of an object into one of any form.
func (w *World) readScale(obj, into client.Object) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	k, err := w.kindOf(obj)
	if err != nil {
		return err
	}
	current := k.objects[client.ObjectKeyFromObject(obj)]
	if current == nil {
		return notFound(k, obj.GetName())
	}
	return deliverScale(current, into)
}

// updateScale sets an object's replicas to those of a scale, on the terms of its UID and resourceVersion, and answers the
// new scale.
func (s *subresource) updateScale(obj, body client.Object) error {
	named := obj.DeepCopyObject().(client.Object) // the answer is of another kind
	asked, err := contentOf(body)
	if err != nil {
		return err
	}
	replicas, _, err := unstructured.NestedInt64(asked, "spec", "replicas")
	if err != nil || replicas < 0 {
		return apierrors.NewBadRequest(fmt.Sprintf("a scale of %d replicas (%v)", replicas, err))
	}
	return s.write("update/scale", named, func(k *kind, current client.Object) (client.Object, error) {
		content, err := contentOf(current)
		if err != nil {
			return nil, err
		}
		if err := unstructured.SetNestedField(content, replicas, "spec", "replicas"); err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		data, err := json.Marshal(content)
		if err != nil {
			return nil, err
		}
		wanted, err := s.world.decode(k.gvk, data)
		if err != nil {
			return nil, err
		}
		wanted.SetUID(body.GetUID())
		wanted.SetResourceVersion(body.GetResourceVersion())
		after, err := s.world.replace(k, current, wanted, main)
		if err != nil {
			return nil, err
		}
		return after, deliverScale(after, body)
	})
}

// deliverScale makes into the scale of an object.
func deliverScale(current, into client.Object) error {
	content, err := contentOf(current)
	if err != nil {
		return err
	}
	wanted, found, err := unstructured.NestedInt64(content, "spec", "replicas")
	if err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	if !found {
		wanted = 1
	}
	has, _, err := unstructured.NestedInt64(content, "status", "replicas")
	if err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	scaled := &unstructured.Unstructured{Object: map[string]any{
		"spec":   map[string]any{"replicas": wanted},
		"status": map[string]any{"replicas": has, "selector": selectorOf(content)},
	}}
	scaled.SetNamespace(current.GetNamespace())
	scaled.SetName(current.GetName())
	scaled.SetUID(current.GetUID())
	scaled.SetResourceVersion(current.GetResourceVersion())
	scaled.SetCreationTimestamp(current.GetCreationTimestamp())
	return deliver(schema.GroupVersionKind{Group: "autoscaling", Version: "v1", Kind: "Scale"}, scaled, into)
}

// selectorOf is an object's selector as a string; empty where it has none that makes sense.
func selectorOf(content map[string]any) string {
	found, _, err := unstructured.NestedMap(content, "spec", "selector")
	if err != nil {
		return ""
	}
	if plain, _, err := unstructured.NestedStringMap(content, "spec", "selector"); err == nil {
		return labels.SelectorFromSet(plain).String()
	}
	var selector metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found, &selector); err != nil {
		return ""
	}
	return metav1.FormatLabelSelector(&selector)
}

func contentOf(obj client.Object) (map[string]any, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj.DeepCopyObject())
	if err != nil {
		return nil, fmt.Errorf("converting %T: %w", obj, err)
	}
	return content, nil
}
