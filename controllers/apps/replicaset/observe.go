package replicaset

import (
	"context"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what a ReplicaSet has, and what it might have.
type world struct {
	// claims are its active pods, and those that it is about to adopt or release.
	claims ownership.Claims[*ocorev1.Pod]
	// terminating are its pods that are being deleted and still run.
	terminating []*ocorev1.Pod
	// siblings are the pods of all ReplicaSets of the same owner; none, unless pods have to go.
	siblings []*ocorev1.Pod
}

// Observe reads the pods that rs controls and those that it could adopt.
func (Controller) Observe(ctx context.Context, view loop.View, rs *oappsv1.ReplicaSet) (world, error) {
	pods, err := ownership.Observe[*ocorev1.Pod](ctx, view, rs, rs.Spec.Selector, &ocorev1.PodList{})
	if err != nil {
		return world{}, err
	}
	w := world{claims: pods.Where(replicas.Active), terminating: pods.Where(replicas.Terminating).Held}
	if len(w.claims.Held) > desired(rs) {
		w.siblings, err = siblings(ctx, view, rs)
	}
	return w, err
}

// siblings are the pods of all ReplicaSets that have the same controller as rs; a ReplicaSet of its own has none.
func siblings(ctx context.Context, read client.Reader, rs *oappsv1.ReplicaSet) ([]*ocorev1.Pod, error) {
	owner := metav1.GetControllerOfNoCopy(rs)
	if owner == nil {
		return nil, nil
	}
	var sets oappsv1.ReplicaSetList
	if err := ownership.Controlled(ctx, read, rs.Namespace, owner.UID, &sets); err != nil {
		return nil, err
	}
	var pods []*ocorev1.Pod
	for _, set := range sets.Items {
		var controlled ocorev1.PodList
		if err := ownership.Controlled(ctx, read, rs.Namespace, set.UID, &controlled); err != nil {
			return nil, err
		}
		for i := range controlled.Items {
			pods = append(pods, &controlled.Items[i])
		}
	}
	return pods, nil
}
