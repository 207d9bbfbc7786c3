package simulate

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// What the scheduler and the volume controllers tell each other by annotations.
const (
	selectedNode  = "volume.kubernetes.io/selected-node"
	bindCompleted = "pv.kubernetes.io/bind-completed"
)

// bindVolumes does what the volume controllers do once the scheduler has chosen a volume for a claim, or a node for one
// that is provisioned there.
func (w *World) bindVolumes(resource schema.GroupVersionResource, now *unstructured.Unstructured) {
	if now == nil {
		return
	}
	ctx := context.Background()
	switch resource {
	case volumes:
		claim := types.NamespacedName{Namespace: text(now, "spec", "claimRef", "namespace"), Name: text(now, "spec", "claimRef", "name")}
		if claim.Name != "" {
			w.bindClaim(ctx, claim, now.GetName())
		}
	case claims:
		if now.GetAnnotations()[selectedNode] == "" || text(now, "spec", "volumeName") != "" {
			return
		}
		volume := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "PersistentVolume",
			"metadata": map[string]any{"name": "simulated-" + string(now.GetUID())},
			"spec": map[string]any{
				"storageClassName": text(now, "spec", "storageClassName"),
				"claimRef":         map[string]any{"namespace": now.GetNamespace(), "name": now.GetName(), "uid": string(now.GetUID())},
				"csi":              map[string]any{"driver": "simulated", "volumeHandle": now.GetName()},
			},
			"status": map[string]any{"phase": string(corev1.VolumeBound)},
		}}
		if requested, found, _ := unstructured.NestedFieldNoCopy(now.Object, "spec", "resources", "requests"); found {
			_ = unstructured.SetNestedField(volume.Object, requested, "spec", "capacity") // spec is a map
		}
		if _, err := w.replica.Create(ctx, volumes, volume); err == nil {
			w.bindClaim(ctx, types.NamespacedName{Namespace: now.GetNamespace(), Name: now.GetName()}, volume.GetName())
		}
	}
}

// bindClaim binds a claim that is there and not bound. A claim that is gone needs nothing.
func (w *World) bindClaim(ctx context.Context, claim types.NamespacedName, volume string) {
	_, _ = w.replica.Change(ctx, claims, claim, func(object *unstructured.Unstructured) error {
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[bindCompleted] = "yes"
		object.SetAnnotations(annotations)
		_ = unstructured.SetNestedField(object.Object, string(corev1.ClaimBound), "status", "phase") // it is a map
		return unstructured.SetNestedField(object.Object, volume, "spec", "volumeName")
	})
}
