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

// world are all nodes, and how it is about their zones.
type world struct {
	// nodes are sorted by name. They are those of the cache itself, and must not be changed.
	nodes []ocorev1.Node
	// paced is, by zone, since when no other node of it has got the taint or lost it.
	paced map[string]time.Time
}

// Observe reads all nodes: whether one may get the taint depends on all of its zone.
func (Controller) Observe(ctx context.Context, view loop.View, _ client.ObjectKey) (world, error) {
	var list ocorev1.NodeList
	if err := view.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return world{}, fmt.Errorf("listing nodes: %w", err)
	}
	slices.SortFunc(list.Items, func(a, b ocorev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	w := world{nodes: list.Items, paced: map[string]time.Time{}}
	for name, latest := range latestTaints(w.nodes) {
		w.paced[name] = view.Since("zone "+name, latest)
	}
	return w, nil
}

// latestTaints are, by zone, which node has got the taint last, and when; empty where none has it. A node that has lost it is
// not seen any more: that this fact changed, and when, is all that tells of it.
func latestTaints(nodes []ocorev1.Node) map[string]string {
	latest, at := map[string]string{}, map[string]time.Time{}
	for i := range nodes {
		node, zone := &nodes[i], zoneOf(&nodes[i])
		if _, known := latest[zone]; !known {
			latest[zone] = ""
		}
		if taint := taintOf(node); taint != nil && taint.TimeAdded != nil && taint.TimeAdded.After(at[zone]) {
			latest[zone], at[zone] = fmt.Sprintf("%s %s %s", node.Name, node.UID, taint.TimeAdded), taint.TimeAdded.Time
		}
	}
	return latest
}
