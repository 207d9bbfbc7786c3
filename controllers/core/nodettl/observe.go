package nodettl

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world are all nodes, by name. They are those of the cache itself, and must not be changed.
type world struct{ nodes []ocorev1.Node }

// Observe reads all nodes.
func (Controller) Observe(ctx context.Context, view loop.View, _ client.ObjectKey) (world, error) {
	var nodes ocorev1.NodeList
	if err := view.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return world{}, fmt.Errorf("listing nodes: %w", err)
	}
	slices.SortFunc(nodes.Items, func(a, b ocorev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	return world{nodes.Items}, nil
}
