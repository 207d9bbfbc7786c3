package podgc

import (
	"context"
	"fmt"
	"slices"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// quarantine is how long a node has to be missed until its pods are given up.
const quarantine = 40 * time.Second

// world is what is known of a pod's node. The zero value is a node that exists and is in service, and no node at all.
type world struct {
	// missed is since when the node has been missed; zero if it is in sight.
	missed time.Time
	// gone says that the node has been missed for long enough, and that the API server does not know it.
	gone bool
	// outOfService says that the node will not come back.
	outOfService bool
}

// Observe looks for the pod's node. Before a node is given up the API server itself is asked: our watch might be what is late.
func (Controller) Observe(ctx context.Context, view loop.View, pod *ocorev1.Pod) (world, error) {
	if pod.Spec.NodeName == "" {
		return world{}, nil
	}
	node, err := nodeOf(ctx, view, pod)
	if err != nil {
		return world{}, err
	}
	if node != nil {
		return world{outOfService: outOfService(node)}, nil
	}
	w := world{missed: view.Since("node "+pod.Spec.NodeName, "missed")}
	if view.Now().Sub(w.missed) < quarantine {
		return w, nil
	}
	if node, err = nodeOf(ctx, view.Live(), pod); err != nil {
		return world{}, err
	}
	if node != nil {
		return world{missed: view.Now()}, nil
	}
	w.gone = true
	return w, nil
}

// nodeOf is the node that a pod is bound to; nil if there is none of that name.
func nodeOf(ctx context.Context, read client.Reader, pod *ocorev1.Pod) (*ocorev1.Node, error) {
	node := &ocorev1.Node{}
	err := read.Get(ctx, client.ObjectKey{Name: pod.Spec.NodeName}, node)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading node %s: %w", pod.Spec.NodeName, err)
	default:
		return node, nil
	}
}

// outOfService reports that somebody has said of a node which is not ready that it will not come back.
func outOfService(node *ocorev1.Node) bool {
	return !nodestatus.Ready(node) && slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool {
		return taint.Key == corev1.TaintNodeOutOfService
	})
}
