package tainteviction

import (
	"context"
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what a pod has to tolerate.
type world struct{ taints []taint }

// taint is a taint of the pod's node, and since when the pod has to tolerate it.
type taint struct {
	corev1.Taint
	since time.Time
}

// Observe reads the taints of the pod's node. A node that is gone has none.
func (Controller) Observe(ctx context.Context, view loop.View, pod *ocorev1.Pod) (world, error) {
	if pod.Spec.NodeName == "" || pod.DeletionTimestamp != nil {
		return world{}, nil
	}
	node := &ocorev1.Node{}
	if err := view.Get(ctx, client.ObjectKey{Name: pod.Spec.NodeName}, node); client.IgnoreNotFound(err) != nil {
		return world{}, fmt.Errorf("reading node %s: %w", pod.Spec.NodeName, err)
	}
	var w world
	for _, t := range noExecute(node) {
		w.taints = append(w.taints, taint{t, since(view, pod, node, t)})
	}
	return w, nil
}

// noExecute are the taints of a node that make pods leave.
func noExecute(node *ocorev1.Node) []corev1.Taint {
	var taints []corev1.Taint
	for _, taint := range node.Spec.Taints {
		if taint.Effect == corev1.TaintEffectNoExecute {
			taints = append(taints, taint)
		}
	}
	return taints
}

// since is from when on a pod has to tolerate a taint of its node.
func since(view loop.View, pod *ocorev1.Pod, node *ocorev1.Node, t corev1.Taint) time.Time {
	if t.TimeAdded == nil {
		return view.Since(fmt.Sprintf("taint %s for pod %s", t.Key, pod.UID), undated(node, t))
	}
	if t.TimeAdded.Before(&pod.CreationTimestamp) {
		return pod.CreationTimestamp.Time
	}
	return t.TimeAdded.Time
}

// undated is the fact that a node has a taint which does not say since when. It may be taken off and put back between two
// passes: then the node's spec has another generation, where the API server counts them. That anything else in the spec has
// changed only gives the pod more time.
func undated(node *ocorev1.Node, t corev1.Taint) string {
	return fmt.Sprintf("node %s, generation %d, has %s", node.UID, node.Generation, t.ToString())
}
