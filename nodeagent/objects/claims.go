package objects

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/storage/ephemeral"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// Claims finds what the claims of pods are bound to. It remembers nothing: a pod asks once for each of its claims.
type Claims struct{ client client.Reader }

// NewClaims returns a finder.
func NewClaims(c client.Reader) *Claims { return &Claims{client: c} }

// PersistentVolume is what the claim is bound to that a volume of a pod names, or that was made for it. Its errors say what the kubelet
// says of a claim that is not bound, or that is somebody else's.
func (c *Claims) PersistentVolume(ctx context.Context, pod *corev1.Pod, volume *corev1.Volume) (*corev1.PersistentVolume, error) {
	claim, err := c.claim(ctx, pod, volume)
	if err != nil {
		return nil, err
	}
	if claim.Spec.VolumeName == "" || claim.Status.Phase != corev1.ClaimBound {
		return nil, fmt.Errorf("error processing PVC %s/%s: PVC is not bound", claim.Namespace, claim.Name)
	}
	bound := &ocorev1.PersistentVolume{}
	if err := c.client.Get(ctx, client.ObjectKey{Name: claim.Spec.VolumeName}, bound); err != nil {
		return nil, fmt.Errorf("error processing PVC %s/%s: failed to fetch PV %s: %w", claim.Namespace, claim.Name, claim.Spec.VolumeName, err)
	}
	if of := bound.Spec.ClaimRef; of == nil || of.UID != claim.UID {
		return nil, fmt.Errorf("error processing PVC %s/%s: PV %s is bound to another claim", claim.Namespace, claim.Name, bound.Name)
	}
	return (*corev1.PersistentVolume)(bound), nil
}

// claim reads the claim that a volume names, or the one that was made for it.
func (c *Claims) claim(ctx context.Context, pod *corev1.Pod, volume *corev1.Volume) (*corev1.PersistentVolumeClaim, error) {
	name := ephemeral.VolumeClaimName(pod, volume)
	if volume.PersistentVolumeClaim != nil {
		name = volume.PersistentVolumeClaim.ClaimName
	}
	claim := &ocorev1.PersistentVolumeClaim{}
	if err := c.client.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: name}, claim); err != nil {
		return nil, fmt.Errorf("error processing PVC %s/%s: failed to fetch PVC: %w", pod.Namespace, name, err)
	}
	if volume.Ephemeral != nil {
		return (*corev1.PersistentVolumeClaim)(claim), ephemeral.VolumeIsForPod(pod, (*corev1.PersistentVolumeClaim)(claim))
	}
	return (*corev1.PersistentVolumeClaim)(claim), nil
}
