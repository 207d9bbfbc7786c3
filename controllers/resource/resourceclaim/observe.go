package resourceclaim

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/resourceclaims"
	"github.com/orrery-dev/orrery/framework/loop"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what has the names of the pods that have to do with a claim.
type world struct {
	// consumers are by the names on reservedFor. There is no pod of a name that is not in it.
	consumers map[string]*ocorev1.Pod
	// owner has the name of the pod that the claim was made for; nil where it was made for none, or there is none.
	owner *ocorev1.Pod
}

// Observe reads the pods that the claim is reserved for, and the one that it was made for.
func (Controller) Observe(ctx context.Context, view loop.View, claim *resourcev1.ResourceClaim) (world, error) {
	w := world{consumers: map[string]*ocorev1.Pod{}}
	for _, consumer := range claim.Status.ReservedFor {
		if !resourceclaims.OfPods(consumer) {
			continue
		}
		pod, err := nowOf(ctx, view, client.ObjectKey{Namespace: claim.Namespace, Name: consumer.Name}, consumer.UID)
		if err != nil {
			return world{}, err
		}
		if pod != nil {
			w.consumers[consumer.Name] = pod
		}
	}
	var err error
	if owner := resourceclaims.MadeFor(claim); owner != nil {
		w.owner, err = nowOf(ctx, view, client.ObjectKey{Namespace: claim.Namespace, Name: owner.Name}, owner.UID)
	}
	return w, err
}

// nowOf is the pod that has a name now; nil if there is none. Where the cache does not show the one that is expected, it may be behind:
// show none yet, or the one that had the name before.
func nowOf(ctx context.Context, view loop.View, key client.ObjectKey, expected types.UID) (*ocorev1.Pod, error) {
	pod, err := podOf(ctx, view, key)
	if err == nil && (pod == nil || pod.UID != expected) {
		return podOf(ctx, view.Live(), key)
	}
	return pod, err
}

// podOf is the pod of a name; nil if there is none.
func podOf(ctx context.Context, read client.Reader, key client.ObjectKey) (*ocorev1.Pod, error) {
	pod := &ocorev1.Pod{}
	switch err := read.Get(ctx, key, pod); {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading pod %s: %w", key, err)
	}
	return pod, nil
}
