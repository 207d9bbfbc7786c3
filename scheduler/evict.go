package scheduler

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/naming"
)

// Evict sets a condition in a pod's status and deletes the pod. It reports whether the pod was there to be deleted.
func (a *api) Evict(ctx context.Context, pod *corev1.Pod, condition corev1.PodCondition) (bool, error) {
	err := a.mark(ctx, pod, condition)
	if err == nil {
		err = a.live.Delete(ctx, (*ocorev1.Pod)(pod), client.Preconditions{UID: &pod.UID})
	}
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err): // A conflict is one of UIDs: another pod has its name.
		return false, nil
	case err != nil:
		return false, fmt.Errorf("evicting pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return true, nil
}

// mark sets the condition. Where somebody else has written to the pod since it was read, it is read again: this has to
// be said before the pod goes. A pod that is not the one any more is NotFound.
func (a *api) mark(ctx context.Context, pod *corev1.Pod, condition corev1.PodCondition) error {
	current := pod
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		changed := current.DeepCopy()
		if !setCondition(&changed.Status, condition) {
			return nil
		}
		err := naming.PatchStatus(ctx, a.live, (*ocorev1.Pod)(current), (*ocorev1.Pod)(changed))
		if apierrors.IsConflict(err) {
			fresh, readErr := a.read(ctx, pod)
			if readErr != nil {
				return readErr
			}
			current = fresh
		}
		return err
	})
}

// read returns a pod as it is on the API server. Another one of its name is NotFound.
func (a *api) read(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	fresh := &ocorev1.Pod{}
	if err := a.live.Get(ctx, client.ObjectKeyFromObject(pod), fresh); err != nil {
		return nil, err
	}
	if fresh.UID != pod.UID {
		return nil, apierrors.NewNotFound(corev1.Resource("pods"), pod.Name)
	}
	return (*corev1.Pod)(fresh), nil
}
