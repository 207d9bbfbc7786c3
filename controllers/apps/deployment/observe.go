package deployment

import (
	"context"
	"fmt"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	"github.com/orrery-dev/orrery/framework/loop"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what a Deployment has, and what it might have.
type world struct {
	// claims are its ReplicaSets, and those that it is about to adopt or release.
	claims ownership.Claims[*oappsv1.ReplicaSet]
	// namesake is the ReplicaSet, whosever it is, with the name that the new one gets; nil means that there is none.
	namesake *oappsv1.ReplicaSet
	// pods are those of its ReplicaSets, by the ReplicaSet's UID. They are read only for Recreate.
	pods map[types.UID][]ocorev1.Pod
}

// Observe reads the ReplicaSets that d controls and those that it could adopt.
func (Controller) Observe(ctx context.Context, view loop.View, d *oappsv1.Deployment) (world, error) {
	claims, err := ownership.Observe[*oappsv1.ReplicaSet](ctx, view, d, d.Spec.Selector, &oappsv1.ReplicaSetList{})
	if err != nil {
		return world{}, err
	}
	w := world{claims: claims}
	if w.namesake, err = namesake(ctx, view, d); err != nil {
		return world{}, err
	}
	if recreates(d) {
		w.pods, err = podsOf(ctx, view, w.claims.Held)
	}
	return w, err
}

func namesake(ctx context.Context, read client.Reader, d *oappsv1.Deployment) (*oappsv1.ReplicaSet, error) {
	var rs oappsv1.ReplicaSet
	key := client.ObjectKey{Namespace: d.Namespace, Name: replicaSetName(d.Name, podtemplate.Hash(&d.Spec.Template, d.Status.CollisionCount))}
	if err := read.Get(ctx, key, &rs); apierrors.IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading ReplicaSet %s: %w", key, err)
	}
	return &rs, nil
}

func podsOf(ctx context.Context, read client.Reader, sets []*oappsv1.ReplicaSet) (map[types.UID][]ocorev1.Pod, error) {
	pods := make(map[types.UID][]ocorev1.Pod, len(sets))
	for _, rs := range sets {
		var list ocorev1.PodList
		if err := ownership.Controlled(ctx, read, rs.Namespace, rs.UID, &list); err != nil {
			return nil, err
		}
		pods[rs.UID] = list.Items
	}
	return pods, nil
}
