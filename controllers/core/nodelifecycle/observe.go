package nodelifecycle

import (
	"context"
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/controllers/internal/onnode"
	"github.com/orrery-dev/orrery/framework/loop"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what is known of a node besides itself.
type world struct {
	// heartbeat is when a sign of life was last seen.
	heartbeat time.Time
	// silent says that this was longer ago than the node is given, and that the API server knows of none either.
	silent bool
	// pods are those of the node. They are read only if the node is not ready.
	pods []ocorev1.Pod
}

// Observe looks for signs of life of a node, and, if it is not ready, at its pods.
func (c *controller) Observe(ctx context.Context, view loop.View, node *ocorev1.Node) (world, error) {
	renewed, err := renewal(ctx, view, node)
	if err != nil {
		return world{}, err
	}
	w := world{heartbeat: view.Since(string(node.UID), posted(node)+" "+renewed)}
	now := view.Now()
	if now.Sub(w.heartbeat) >= c.grace(node) {
		latest, err := renewal(ctx, view.Live(), node)
		if err != nil {
			return world{}, err
		}
		w.silent = latest == renewed
		if !w.silent {
			w.heartbeat = now
		}
	}
	if nodestatus.Ready(node) && !w.silent {
		return w, nil
	}
	w.pods, err = onnode.Pods(ctx, view, node.Name)
	return w, err
}

// grace is how long a node may be silent.
func (c *controller) grace(node *ocorev1.Node) time.Duration {
	if nodestatus.Readiness(node) == nil {
		return c.StartupGracePeriod
	}
	return c.GracePeriod
}

// posted is the time in a node's status that moves whenever it is posted.
func posted(node *ocorev1.Node) string {
	if condition := nodestatus.Readiness(node); condition != nil {
		return condition.LastHeartbeatTime.String()
	}
	return ""
}

// renewal is the time in a node's Lease, as it stands there; empty if there is none.
func renewal(ctx context.Context, read client.Reader, node *ocorev1.Node) (string, error) {
	lease := &coordinationv1.Lease{}
	err := read.Get(ctx, client.ObjectKey{Namespace: corev1.NamespaceNodeLease, Name: node.Name}, lease)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("reading the Lease of node %s: %w", node.Name, err)
	}
	if lease.Spec.RenewTime == nil {
		return "", nil
	}
	return lease.Spec.RenewTime.String(), nil
}
