package nodelifecycle

import (
	"context"
	"fmt"
	"time"

	corev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/onnode"
	"github.com/orrery-dev/orrery/framework/loop"
	k8scoordinationv1 "k8s.io/api/coordination/v1"
	k8scorev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what is known of a node besides itself.
type world struct {
	// heartbeat is when a sign of life was last seen.
	heartbeat time.Time
	// silent says that this was longer ago than the node is given, and that the API server knows of none either.
	silent bool
	// pods are those of the node, and nodes are all there are. They are read only if the node is not ready.
	pods  []corev1.Pod
	nodes []corev1.Node
}

// Observe looks for signs of life of a node, and, if it is not ready, at its pods and the other nodes.
func (c *controller) Observe(ctx context.Context, read client.Reader, node *corev1.Node) (world, error) {
	renewed, err := renewal(ctx, read, node)
	if err != nil {
		return world{}, err
	}
	w := world{heartbeat: loop.Since(read, string(node.UID), posted(node)+" "+renewed)}
	now := loop.Now(read)
	if now.Sub(w.heartbeat) >= c.grace(node) {
		latest, err := renewal(ctx, loop.Live(read), node)
		if err != nil {
			return world{}, err
		}
		w.silent = latest == renewed
		if !w.silent {
			w.heartbeat = now
		}
	}
	if ready(node) && !w.silent {
		return w, nil
	}
	if w.pods, err = onnode.Pods(ctx, read, node.Name); err != nil {
		return world{}, err
	}
	var nodes corev1.NodeList
	if err := read.List(ctx, &nodes); err != nil {
		return world{}, fmt.Errorf("listing nodes: %w", err)
	}
	w.nodes = nodes.Items
	return w, nil
}

// grace is how long a node may be silent.
func (c *controller) grace(node *corev1.Node) time.Duration {
	if readiness(node) == nil {
		return c.StartupGracePeriod
	}
	return c.GracePeriod
}

// posted is the time in a node's status that moves whenever it is posted.
func posted(node *corev1.Node) string {
	if condition := readiness(node); condition != nil {
		return condition.LastHeartbeatTime.String()
	}
	return ""
}

// renewal is the time in a node's Lease, as it stands there; empty if there is none.
func renewal(ctx context.Context, read client.Reader, node *corev1.Node) (string, error) {
	lease := &k8scoordinationv1.Lease{}
	err := read.Get(ctx, client.ObjectKey{Namespace: k8scorev1.NamespaceNodeLease, Name: node.Name}, lease)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("reading the Lease of node %s: %w", node.Name, err)
	}
	if lease.Spec.RenewTime == nil {
		return "", nil
	}
	return lease.Spec.RenewTime.String(), nil
}

// readiness is a node's condition Ready; nil if it has none.
func readiness(node *corev1.Node) *k8scorev1.NodeCondition {
	for i := range node.Status.Conditions {
		if node.Status.Conditions[i].Type == k8scorev1.NodeReady {
			return &node.Status.Conditions[i]
		}
	}
	return nil
}

func ready(node *corev1.Node) bool {
	condition := readiness(node)
	return condition != nil && condition.Status == k8scorev1.ConditionTrue
}
