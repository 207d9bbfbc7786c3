package podgroupprotection

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	"github.com/orrery-dev/orrery/controllers/internal/podgroups"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is who holds a group.
type world struct {
	// holder is a pod of it that has not ended, as in "pod web-0"; empty if there is none.
	holder string
}

// Observe reads the pods of the group.
func (Controller) Observe(ctx context.Context, view loop.View, group *oschedulingv1beta1.PodGroup) (world, error) {
	pods, err := podgroups.Pods(ctx, view, group)
	return world{holderOf(group, pods)}, err
}

// ask is who holds a group as the API server has its pods now. It has no such index.
func ask(group *oschedulingv1beta1.PodGroup) func(context.Context, client.Reader) (string, error) {
	return func(ctx context.Context, live client.Reader) (string, error) {
		var pods ocorev1.PodList
		if err := live.List(ctx, &pods, client.InNamespace(group.Namespace)); err != nil {
			return "", fmt.Errorf("listing the pods of namespace %s: %w", group.Namespace, err)
		}
		return holderOf(group, pods.Items), nil
	}
}

// holderOf is one of some pods of a group's namespace that holds it; empty if none does.
func holderOf(group *oschedulingv1beta1.PodGroup, pods []ocorev1.Pod) string {
	for i := range pods {
		if pod := &pods[i]; podgroups.Of(pod) == group.Name && !replicas.Ended(pod) {
			return "pod " + pod.Name
		}
	}
	return ""
}
