package simulate

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
func (w *Simulation) bindVolumes(resource schema.GroupVersionResource, now *unstructured.Unstructured) error {
	if now == nil {
		return nil
	}
	ctx := context.Background()
	switch resource {
	case volumes:
		claim := types.NamespacedName{Namespace: text(now, "spec", "claimRef", "namespace"), Name: text(now, "spec", "claimRef", "name")}
		if claim.Name != "" {
			return w.bindClaim(ctx, claim, now.GetName())
		}
	case claims:
		if now.GetAnnotations()[selectedNode] != "" && text(now, "spec", "volumeName") == "" {
			return w.provision(ctx, now)
		}
	}
	return nil
}

// provision makes a volume for a claim, unless that was done already, and binds the claim to it.
func (w *Simulation) provision(ctx context.Context, claim *unstructured.Unstructured) error {
	volume := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "PersistentVolume",
		"metadata": map[string]any{"name": "simulated-" + string(claim.GetUID())},
		"spec": map[string]any{
			"storageClassName": text(claim, "spec", "storageClassName"),
			"claimRef":         map[string]any{"namespace": claim.GetNamespace(), "name": claim.GetName(), "uid": string(claim.GetUID())},
			"csi":              map[string]any{"driver": "simulated", "volumeHandle": claim.GetName()},
		},
		"status": map[string]any{"phase": string(corev1.VolumeBound)},
	}}
	if requested, found, _ := unstructured.NestedFieldNoCopy(claim.Object, "spec", "resources", "requests"); found {
		_ = unstructured.SetNestedField(volume.Object, requested, "spec", "capacity") // spec is a map
	}
	name := types.NamespacedName{Namespace: claim.GetNamespace(), Name: claim.GetName()}
	_, err := w.replica.Create(ctx, volumes, volume)
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("provisioning a volume for claim %s: %w", name, err)
	}
	return w.bindClaim(ctx, name, volume.GetName())
}

// bindClaim binds a claim that is there and not bound. A claim that is gone needs nothing.
func (w *Simulation) bindClaim(ctx context.Context, claim types.NamespacedName, volume string) error {
	_, err := w.replica.Change(ctx, claims, claim, func(object *unstructured.Unstructured) error {
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[bindCompleted] = "yes"
		object.SetAnnotations(annotations)
		return errors.Join(
			unstructured.SetNestedField(object.Object, string(corev1.ClaimBound), "status", "phase"),
			unstructured.SetNestedField(object.Object, volume, "spec", "volumeName"))
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("binding claim %s to volume %s: %w", claim, volume, err)
	}
	return nil
}
