package attachable

import (
	"context"
	"fmt"
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// managed is the annotation of a node whose kubelet leaves attaching to the control plane.
const managed = "volumes.kubernetes.io/controller-managed-attach-detach"

// Managed reports that a node leaves attaching to us.
func Managed(node *ocorev1.Node) bool {
	_, is := node.Annotations[managed]
	return is
}

// Holds reports that a pod is on a node, and needs its volumes there: it has not ended, and is not being deleted without anything
// that still runs.
func Holds(pod *ocorev1.Pod) bool {
	status := &pod.Status
	return pod.Spec.NodeName != "" && !replicas.Ended(pod) && (pod.DeletionTimestamp == nil ||
		runs(status.InitContainerStatuses) || runs(status.ContainerStatuses) || runs(status.EphemeralContainerStatuses))
}

func runs(containers []corev1.ContainerStatus) bool {
	return slices.ContainsFunc(containers, func(c corev1.ContainerStatus) bool {
		return c.State.Terminated == nil && c.State.Waiting == nil
	})
}

// Possible reports that a pod has volumes which might have to be attached.
func Possible(pod *ocorev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(volume corev1.Volume) bool {
		return podclaims.Name(pod, &volume) != "" || translator.IsInlineMigratable(&volume)
	})
}

// Known are the volumes of a pod that its driver may want attached. One whose claim is not bound is not among them.
func Known(ctx context.Context, read client.Reader, pod *ocorev1.Pod) ([]Volume, error) {
	var volumes []Volume
	for i := range pod.Spec.Volumes {
		volume, found, err := ofPod(ctx, read, pod, &pod.Spec.Volumes[i])
		if err != nil {
			return nil, err
		}
		if found {
			volumes = append(volumes, volume)
		}
	}
	return volumes, nil
}

// Of are the volumes of a pod that have to be attached.
func Of(ctx context.Context, read client.Reader, pod *ocorev1.Pod) ([]Volume, error) {
	known, err := Known(ctx, read, pod)
	if err != nil {
		return nil, err
	}
	var volumes []Volume
	for _, volume := range known {
		required, err := Required(ctx, read, volume.Driver)
		if err != nil {
			return nil, err
		}
		if required {
			volumes = append(volumes, volume)
		}
	}
	return volumes, nil
}

func ofPod(ctx context.Context, read client.Reader, pod *ocorev1.Pod, volume *corev1.Volume) (Volume, bool, error) {
	name := podclaims.Name(pod, volume)
	if name == "" {
		inline, found := OfInline(volume, pod.Namespace)
		return inline, found, nil
	}
	claim := &ocorev1.PersistentVolumeClaim{}
	found, err := get(ctx, read, client.ObjectKey{Namespace: pod.Namespace, Name: name}, claim)
	if !found || podclaims.Of(pod, claim) == podclaims.None {
		return Volume{}, false, err
	}
	return OfClaim(ctx, read, claim)
}

// OfClaim is the volume that a claim is bound to, if it is one of a CSI driver.
func OfClaim(ctx context.Context, read client.Reader, claim *ocorev1.PersistentVolumeClaim) (Volume, bool, error) {
	pv := &ocorev1.PersistentVolume{}
	if found, err := get(ctx, read, client.ObjectKey{Name: claim.Spec.VolumeName}, pv); !found || !Bound(claim, pv) {
		return Volume{}, false, err
	}
	volume, found := OfPersistentVolume(pv)
	return volume, found, nil
}

// Bound reports that a claim and a volume are each other's.
func Bound(claim *ocorev1.PersistentVolumeClaim, pv *ocorev1.PersistentVolume) bool {
	return claim.Status.Phase == corev1.ClaimBound && claim.Spec.VolumeName == pv.Name &&
		pv.Spec.ClaimRef != nil && pv.Spec.ClaimRef.UID == claim.UID
}

// Required reports that the volumes of a driver have to be attached, as they have where it does not say otherwise.
func Required(ctx context.Context, read client.Reader, driver string) (bool, error) {
	csi := &ostoragev1.CSIDriver{}
	found, err := get(ctx, read, client.ObjectKey{Name: driver}, csi)
	return !found || ptr.Deref(csi.Spec.AttachRequired, true), err
}

// get reads an object, and reports whether there is one.
func get(ctx context.Context, read client.Reader, key client.ObjectKey, obj client.Object) (bool, error) {
	if key.Name == "" {
		return false, nil
	}
	if err := read.Get(ctx, key, obj); err != nil {
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return false, fmt.Errorf("reading %T %s: %w", obj, key, err)
	}
	return true, nil
}
