package terminatedpodgc

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world are all terminated pods, in no order. They are those of the cache itself, and must not be changed.
type world struct{ terminated []ocorev1.Pod }

// Observe lists the terminated pods.
func (c Controller) Observe(ctx context.Context, view loop.View, _ client.ObjectKey) (world, error) {
	if c.Threshold < 0 {
		return world{}, nil
	}
	var pods ocorev1.PodList
	if err := view.List(ctx, &pods, client.MatchingFields{terminatedField: isTerminated}, client.UnsafeDisableDeepCopy); err != nil {
		return world{}, fmt.Errorf("listing terminated pods: %w", err)
	}
	return world{pods.Items}, nil
}
