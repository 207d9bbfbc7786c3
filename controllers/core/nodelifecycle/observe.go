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
	// heartbeat is since when no other heartbeat has been seen.
	heartbeat time.Time
	// silent says that this is longer than the node is given, and that the API server knows of no other either.
	silent bool
	// pods are those of the node. They are read only if the node is not ready.
	pods []ocorev1.Pod
}

// Observe looks for heartbeats of a node, and, if it is not ready, at its pods.
func (c Controller) Observe(ctx context.Context, view loop.View, node *ocorev1.Node) (world, error) {
	beat, err := heartbeat(ctx, view, node)
	if err != nil {
		return world{}, err
	}
	w := world{heartbeat: view.Since("node "+string(node.UID), beat)}
	if view.Now().Sub(w.heartbeat) >= c.grace(node) {
		if w.silent, err = confirmed(ctx, view.Live(), node, beat); err != nil {
			return world{}, err
		}
		if !w.silent {
			w.heartbeat = view.Now()
		}
	}
	if nodestatus.Ready(node) && !w.silent {
		return w, nil
	}
	w.pods, err = onnode.Pods(ctx, view, node.Name)
	return w, err
}

// grace is how long a node may be silent.
func (c Controller) grace(node *ocorev1.Node) time.Duration {
	if nodestatus.Readiness(node) == nil {
		return c.StartupGracePeriod
	}
	return c.MonitorGracePeriod
}

// heartbeat is all by which a node shows that it lives: when its Lease was renewed, and when its status was posted. Whose
// clock these times are of does not matter: a heartbeat is that they are others than before.
func heartbeat(ctx context.Context, read client.Reader, node *ocorev1.Node) (string, error) {
	lease := &coordinationv1.Lease{}
	err := read.Get(ctx, client.ObjectKey{Namespace: corev1.NamespaceNodeLease, Name: node.Name}, lease)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("reading the Lease of node %s: %w", node.Name, err)
	}
	renewed, posted := "never", "never"
	if lease.Spec.RenewTime != nil {
		renewed = lease.Spec.RenewTime.String()
	}
	if condition := nodestatus.Readiness(node); condition != nil {
		posted = condition.LastHeartbeatTime.String()
	}
	return fmt.Sprintf("Lease renewed %s, status posted %s", renewed, posted), nil
}

// confirmed reports that the API server knows of no other heartbeat either: our watch might be what is late. It is not asked
// about a node that has been declared silent before.
func confirmed(ctx context.Context, live client.Reader, node *ocorev1.Node, beat string) (bool, error) {
	if nodestatus.Is(node, corev1.NodeReady, corev1.ConditionUnknown) {
		return true, nil
	}
	now := &ocorev1.Node{}
	if err := live.Get(ctx, client.ObjectKeyFromObject(node), now); err != nil {
		return false, fmt.Errorf("reading node %s: %w", node.Name, err)
	}
	latest, err := heartbeat(ctx, live, now)
	return latest == beat && now.UID == node.UID, err
}
