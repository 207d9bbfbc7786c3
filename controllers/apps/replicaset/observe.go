package replicaset

import (
	"context"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/replicacontrol"
	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what a ReplicaSet has, and what it might have.
type world struct{ replicacontrol.World }

// setOf is a ReplicaSet as a set of pods.
func setOf(rs *oappsv1.ReplicaSet) replicacontrol.Set {
	return replicacontrol.Set{
		Owner: rs, Replicas: rs.Spec.Replicas, Selector: rs.Spec.Selector, Template: &rs.Spec.Template, MinReadySeconds: rs.Spec.MinReadySeconds,
	}
}

// Observe reads the pods that rs controls and those that it could adopt; and, where pods have to go, those of its siblings.
func (Controller) Observe(ctx context.Context, view loop.View, rs *oappsv1.ReplicaSet) (world, error) {
	set := setOf(rs)
	w, err := replicacontrol.Observe(ctx, view, set)
	if err == nil && w.Surplus(set) > 0 {
		w.Siblings, err = siblings(ctx, view, rs)
	}
	return world{w}, err
}

// siblings are the pods of all ReplicaSets that have the same controller as rs; a ReplicaSet of its own has none.
func siblings(ctx context.Context, read client.Reader, rs *oappsv1.ReplicaSet) ([]*ocorev1.Pod, error) {
	owner := metav1.GetControllerOfNoCopy(rs)
	if owner == nil {
		return nil, nil
	}
	sets, err := ownership.Borrow[*oappsv1.ReplicaSet](ctx, read, rs.Namespace, owner.UID, &oappsv1.ReplicaSetList{})
	if err != nil {
		return nil, err
	}
	var pods []*ocorev1.Pod
	for _, set := range sets {
		controlled, err := ownership.Borrow[*ocorev1.Pod](ctx, read, rs.Namespace, set.UID, &ocorev1.PodList{})
		if err != nil {
			return nil, err
		}
		pods = append(pods, controlled...)
	}
	return pods, nil
}
