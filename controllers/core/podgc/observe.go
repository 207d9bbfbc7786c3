package podgc

import (
	"context"
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// quarantine is how long a node has to be missed until its pods are given up.
const quarantine = 40 * time.Second

// world is how it is around a pod.
type world struct {
	// missing is since when the pod's node has been missed; zero if it is there.
	missing time.Time
	// gone says that the node has been missed for long enough, and that the API server does not know it.
	gone bool
	// outOfService says that the node will not come back.
	outOfService bool
	// ended are all pods that have ended, if this one has, in no order.
	ended []ocorev1.Pod
}

// Observe looks for the pod's node, and, if the pod has ended, for others that have.
func (c controller) Observe(ctx context.Context, view loop.View, pod *ocorev1.Pod) (world, error) {
	w, err := observeNode(ctx, view, pod)
	if err != nil {
		return world{}, err
	}
	if !ended(pod) || c.Ended < 0 {
		return w, nil
	}
	var list ocorev1.PodList
	if err := view.List(ctx, &list, client.MatchingFields{endedField: "true"}, client.UnsafeDisableDeepCopy); err != nil {
		return world{}, fmt.Errorf("listing pods that have ended: %w", err)
	}
	w.ended = list.Items
	return w, nil
}

func observeNode(ctx context.Context, view loop.View, pod *ocorev1.Pod) (world, error) {
	if pod.Spec.NodeName == "" {
		return world{}, nil
	}
	node := &ocorev1.Node{}
	name := client.ObjectKey{Name: pod.Spec.NodeName}
	err := view.Get(ctx, name, node)
	switch {
	case err == nil:
		return world{outOfService: outOfService(node)}, nil
	case !apierrors.IsNotFound(err):
		return world{}, fmt.Errorf("reading node %s: %w", pod.Spec.NodeName, err)
	}
	w := world{missing: view.Since(pod.Spec.NodeName, "missing")}
	if view.Now().Sub(w.missing) < quarantine {
		return w, nil
	}
	err = view.Live().Get(ctx, name, node)
	w.gone = apierrors.IsNotFound(err)
	if client.IgnoreNotFound(err) != nil {
		return world{}, fmt.Errorf("asking for node %s: %w", pod.Spec.NodeName, err)
	}
	return w, nil
}
