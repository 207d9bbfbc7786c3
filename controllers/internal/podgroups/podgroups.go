package podgroups

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// field is the index by which pods are found.
const field = "schedulingGroup"

// Indexed lets a loop find pods by [Pods].
func Indexed() loop.Option {
	return loop.Indexes(&ocorev1.Pod{}, field, func(obj client.Object) []string {
		pod, ok := obj.(*ocorev1.Pod)
		if !ok || Of(pod) == "" {
			return nil
		}
		return []string{Of(pod)}
	})
}

// Of is the name of a pod's group; empty if it is in none.
func Of(pod *ocorev1.Pod) string {
	if group := pod.Spec.SchedulingGroup; group != nil && group.PodGroupName != nil {
		return *group.PodGroupName
	}
	return ""
}

// Key is the name of a pod's group, for a loop over groups that a pod concerns.
func Key(_ context.Context, _ client.Reader, pod *ocorev1.Pod) ([]client.ObjectKey, error) {
	if Of(pod) == "" {
		return nil, nil
	}
	return []client.ObjectKey{{Namespace: pod.Namespace, Name: Of(pod)}}, nil
}

// Pods are the pods of a group, also those that have ended. They are those of the cache itself, and must not be changed.
func Pods(ctx context.Context, read client.Reader, group *oschedulingv1beta1.PodGroup) ([]ocorev1.Pod, error) {
	var pods ocorev1.PodList
	err := read.List(ctx, &pods, client.InNamespace(group.Namespace), client.MatchingFields{field: group.Name}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("listing the pods of PodGroup %s/%s: %w", group.Namespace, group.Name, err)
	}
	return pods.Items, nil
}

// Keys are the names of those pods, for a loop over pods that a group concerns.
func Keys(ctx context.Context, read client.Reader, group *oschedulingv1beta1.PodGroup) ([]client.ObjectKey, error) {
	pods, err := Pods(ctx, read, group)
	if err != nil {
		return nil, err
	}
	keys := make([]client.ObjectKey, len(pods))
	for i := range pods {
		keys[i] = client.ObjectKeyFromObject(&pods[i])
	}
	return keys, nil
}
