package simulate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/orrery-dev/orrery/apis"
)

// readManifest reads the objects of a file. Kinds of ours get Kubernetes' own name.
func readManifest(in io.Reader) ([]*unstructured.Unstructured, error) {
	decoder := yaml.NewYAMLOrJSONDecoder(in, 4096)
	var objects []*unstructured.Unstructured
	for document := 1; ; document++ {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", document, err)
		}
		if len(bytes.TrimSpace([]byte(object.GetKind()))) == 0 {
			if len(object.Object) == 0 {
				continue
			}
			return nil, fmt.Errorf("document %d: apiVersion and kind are required", document)
		}
		if !object.IsList() {
			objects = append(objects, asKubernetes(object))
			continue
		}
		err = object.EachListItem(func(item runtime.Object) error {
			objects = append(objects, asKubernetes(item.(*unstructured.Unstructured)))
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", document, err)
		}
	}
}

// asKubernetes gives an object of ours Kubernetes' own name.
func asKubernetes(object *unstructured.Unstructured) *unstructured.Unstructured {
	for _, kind := range apis.Kinds() {
		if object.GroupVersionKind() == kind.GroupVersionKind(apis.Orrery) {
			object.SetGroupVersionKind(kind.GroupVersionKind(apis.Kubernetes))
		}
	}
	return object
}

// Load adds what a file in YAML or JSON declares to the copy, and returns the pods: those in it, and those of its workloads.
// Kinds of ours may have either name. A workload whose pods cannot be told in advance is an error.
func (w *Simulation) Load(ctx context.Context, in io.Reader) ([]Pod, error) {
	objects, err := readManifest(in)
	if err != nil {
		return nil, err
	}
	var all []Pod
	for _, object := range objects {
		expand, isWorkload := workloads[object.GroupVersionKind()]
		if !isWorkload {
			if err := w.declare(ctx, object); err != nil {
				return nil, err
			}
			continue
		}
		if object.GetName() == "" && object.GetGenerateName() == "" {
			return nil, fmt.Errorf("%s: metadata.name is required", object.GetKind())
		}
		if object.GetNamespace() == "" {
			object.SetNamespace(metav1.NamespaceDefault)
		}
		object.SetUID(uuid.NewUUID())
		expanded, err := expand(object)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
		for _, other := range expanded.others {
			if err := w.declare(ctx, other); err != nil {
				return nil, err
			}
		}
		for _, pod := range expanded.pods {
			pod.Namespace = object.GetNamespace()
			each := Pod{Pod: pod}
			if object.GetKind() != "Pod" {
				each.Owner = object.GetKind() + "/" + object.GetName()
			}
			all = append(all, each)
		}
	}
	return all, w.free(ctx, all)
}

// declare adds an object that is no workload: a node, a claim, a PriorityClass, a PodGroup.
func (w *Simulation) declare(ctx context.Context, object *unstructured.Unstructured) error {
	resource, _ := meta.UnsafeGuessKindToResource(object.GroupVersionKind())
	if object.GetNamespace() == "" && !clusterScoped[object.GetKind()] {
		object.SetNamespace(metav1.NamespaceDefault)
	}
	return w.AddObject(ctx, resource, object)
}

// clusterScoped are the kinds without a namespace that scheduling depends on. Others are kept in the default one, where
// nobody looks for them.
var clusterScoped = func() map[string]bool {
	kinds := map[string]bool{"PriorityClass": true, "Namespace": true, "DeviceClass": true, "ResourceSlice": true, "DeviceTaintRule": true}
	for _, kind := range apis.Kinds() {
		if kind.Scope == apis.Cluster {
			kinds[kind.Kind] = true
		}
	}
	return kinds
}()

// free checks that no pod of the file has the name of one that the cluster has.
func (w *Simulation) free(ctx context.Context, all []Pod) error {
	for i := range all {
		pod := all[i]
		if pod.Name == "" {
			continue
		}
		if _, err := w.replica.Get(ctx, pods, types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}); err == nil {
			return fmt.Errorf("pod %s/%s: the cluster has a pod of that name already: 'orrery explain pod/%s' tells of it", pod.Namespace, pod.Name, pod.Name)
		}
	}
	return nil
}
