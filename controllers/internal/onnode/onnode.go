// Package onnode finds the pods of a node.
//
// It owns the index of pods by spec.nodeName, and promises that a pod of a node is found by it alone. A pod that is not bound
// is in it under no name, as in Kubernetes' own index: nobody is shown the pods of no node for those of one. It decides
// nothing.
package onnode

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// field is the index by which pods are found.
const field = "spec.nodeName"

// Indexed lets a loop find pods by [Pods].
func Indexed() loop.Option {
	return loop.Indexes(&ocorev1.Pod{}, field, func(obj client.Object) []string {
		pod, ok := obj.(*ocorev1.Pod)
		if !ok || pod.Spec.NodeName == "" {
			return nil
		}
		return []string{pod.Spec.NodeName}
	})
}

// Pods are the pods that are bound to a node, also those that have ended. There are none of a node without a name.
func Pods(ctx context.Context, read client.Reader, node string) ([]ocorev1.Pod, error) {
	return list(ctx, read, node)
}

// Keys are the names of those pods, for a loop over pods that a node concerns.
func Keys(ctx context.Context, read client.Reader, node string) ([]client.ObjectKey, error) {
	pods, err := list(ctx, read, node, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, err
	}
	keys := make([]client.ObjectKey, len(pods))
	for i := range pods {
		keys[i] = client.ObjectKeyFromObject(&pods[i])
	}
	return keys, nil
}

func list(ctx context.Context, read client.Reader, node string, options ...client.ListOption) ([]ocorev1.Pod, error) {
	if node == "" { // as a selector of fields this would mean all that are not bound
		return nil, nil
	}
	var pods ocorev1.PodList
	if err := read.List(ctx, &pods, append(options, client.MatchingFields{field: node})...); err != nil {
		return nil, fmt.Errorf("listing pods of node %s: %w", node, err)
	}
	return pods.Items, nil
}
