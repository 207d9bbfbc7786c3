package nodeeviction

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world are all nodes, and when their zones' nodes got the taint.
type world struct {
	// nodes are sorted by name. They are those of the cache itself, and must not be changed.
	nodes []ocorev1.Node
	// given is, by zone, when this process gave the taint to a node of it last; no zone without one. It must not be changed.
	given map[string]time.Time
	// watched is since when this process has looked at nodes. What was done about them before is not known.
	watched time.Time
}

// Observe reads all nodes: whether one may get the taint depends on all of its zone.
func (Controller) Observe(ctx context.Context, view loop.View, _ client.ObjectKey) (world, error) {
	var list ocorev1.NodeList
	if err := view.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return world{}, fmt.Errorf("listing nodes: %w", err)
	}
	slices.SortFunc(list.Items, func(a, b ocorev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	given, _ := view.Remembered(loop.All).(map[string]time.Time)
	return world{nodes: list.Items, given: given, watched: view.Since("nodes", "watched")}, nil
}

// last is when a node of a zone got the taint last, or may have.
func (w *world) last(zone string) time.Time {
	if at, known := w.given[zone]; known {
		return at
	}
	return w.watched
}
