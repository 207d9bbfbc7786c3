package apicalls

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

// Victims makes the victims of a preemption go.
type Victims struct{ client client.Client }

// NewVictims returns Victims that writes, and reads what its writes have met, by a client without a cache.
func NewVictims(c client.Client) Victims { return Victims{client: c} }

// Evict sets a condition in a pod's status and then deletes the pod. It reports whether the pod was there to be deleted. A
// pod whose condition cannot be written is not deleted, which is an error.
func (v Victims) Evict(ctx context.Context, pod *corev1.Pod, condition corev1.PodCondition) (bool, error) {
	err := v.mark(ctx, pod, condition)
	if err == nil {
		err = v.delete(ctx, pod)
	}
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("evicting pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return true, nil
}

// mark sets the condition. Where somebody else has written to the pod since it was read, it is read again: this has to
// be said before the pod goes.
func (v Victims) mark(ctx context.Context, pod *corev1.Pod, condition corev1.PodCondition) error {
	current := pod
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		changed := current.DeepCopy()
		if !setCondition(&changed.Status, condition) {
			return nil
		}
		err := naming.PatchStatus(ctx, v.client, (*ocorev1.Pod)(current), (*ocorev1.Pod)(changed))
		if apierrors.IsConflict(err) {
			fresh, readErr := readAgain(ctx, v.client, pod)
			if readErr != nil {
				return readErr
			}
			current = fresh
		}
		return err
	})
}

// delete deletes the pod and no other of its name. Such a one refuses the request by a conflict, but is not the only cause
// of one.
func (v Victims) delete(ctx context.Context, pod *corev1.Pod) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		err := v.client.Delete(ctx, (*ocorev1.Pod)(pod), client.Preconditions{UID: &pod.UID})
		if apierrors.IsConflict(err) {
			if _, readErr := readAgain(ctx, v.client, pod); readErr != nil {
				return readErr
			}
		}
		return err
	})
}

// readAgain returns a pod as it is on the API server. That another one has its name is NotFound.
func readAgain(ctx context.Context, c client.Client, pod *corev1.Pod) (*corev1.Pod, error) {
	fresh := &ocorev1.Pod{}
	if err := c.Get(ctx, client.ObjectKeyFromObject((*ocorev1.Pod)(pod)), fresh); err != nil {
		return nil, fmt.Errorf("reading pod %s/%s again: %w", pod.Namespace, pod.Name, err)
	}
	if fresh.UID != pod.UID {
		return nil, fmt.Errorf("reading pod %s/%s again: another pod has its name: %w", pod.Namespace, pod.Name,
			apierrors.NewNotFound(corev1.Resource("pods"), pod.Name))
	}
	return (*corev1.Pod)(fresh), nil
}
