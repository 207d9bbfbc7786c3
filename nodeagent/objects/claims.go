package objects

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/component-helpers/storage/ephemeral"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// Claims finds what the claims of pods are bound to. It remembers nothing.
type Claims struct {
	client client.Client
	// patience is how long a claim is awaited that is not bound.
	patience time.Duration
}

// A pod comes to its node when the scheduler has seen that its claims are bound, which is a moment before they say so.
const (
	patience = 2 * time.Second
	lookBack = 50 * time.Millisecond
)

// errNotBound is for claims that may be bound soon.
var errNotBound = errors.New("PVC is not bound")

// NewClaims returns a finder.
func NewClaims(c client.Client) *Claims { return &Claims{client: c, patience: patience} }

// Bound is the claim that a volume of a pod names, or that was made for it, and what it is bound to. Its errors say what the kubelet says of
// a claim that is not bound, for which it waits a little, or that is somebody else's.
func (c *Claims) Bound(ctx context.Context, pod *corev1.Pod, volume *corev1.Volume) (*corev1.PersistentVolumeClaim, *corev1.PersistentVolume, error) {
	waited := time.After(c.patience)
	for {
		claim, bound, err := c.bound(ctx, pod, volume)
		if !errors.Is(err, errNotBound) {
			return claim, bound, err
		}
		select {
		case <-time.After(lookBack):
		case <-waited:
			return nil, nil, err
		case <-ctx.Done():
			return nil, nil, err
		}
	}
}

func (c *Claims) bound(ctx context.Context, pod *corev1.Pod, volume *corev1.Volume) (*corev1.PersistentVolumeClaim, *corev1.PersistentVolume, error) {
	claim, err := c.claim(ctx, pod, volume)
	if err != nil {
		return nil, nil, err
	}
	if claim.Spec.VolumeName == "" || claim.Status.Phase != corev1.ClaimBound {
		return nil, nil, fmt.Errorf("error processing PVC %s/%s: %w", claim.Namespace, claim.Name, errNotBound)
	}
	bound := &ocorev1.PersistentVolume{}
	if err := c.client.Get(ctx, client.ObjectKey{Name: claim.Spec.VolumeName}, bound); err != nil {
		return nil, nil, fmt.Errorf("error processing PVC %s/%s: failed to fetch PV %s: %w", claim.Namespace, claim.Name, claim.Spec.VolumeName, err)
	}
	if of := bound.Spec.ClaimRef; of == nil || of.UID != claim.UID {
		return nil, nil, fmt.Errorf("error processing PVC %s/%s: PV %s is bound to another claim", claim.Namespace, claim.Name, bound.Name)
	}
	return claim, (*corev1.PersistentVolume)(bound), nil
}

// WriteStatus makes the status of a claim that was read another one, and returns the claim as it is then. One that has changed meanwhile is
// an error.
func (c *Claims) WriteStatus(ctx context.Context, read, changed *corev1.PersistentVolumeClaim) (*corev1.PersistentVolumeClaim, error) {
	if equality.Semantic.DeepEqual(read.Status, changed.Status) {
		return read, nil
	}
	written := (*ocorev1.PersistentVolumeClaim)(changed.DeepCopy())
	patch := client.MergeFromWithOptions((*ocorev1.PersistentVolumeClaim)(read), client.MergeFromWithOptimisticLock{})
	if err := c.client.Status().Patch(ctx, written, patch); err != nil {
		return nil, err
	}
	return (*corev1.PersistentVolumeClaim)(written), nil
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
