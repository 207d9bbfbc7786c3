package servicepods

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Selects reports whether a Service selects its pods; of others somebody else says what is behind them.
func Selects(service *ocorev1.Service) bool {
	return service.Spec.Type != corev1.ServiceTypeExternalName && service.Spec.Selector != nil
}

// Headless reports whether a Service has no cluster IP.
func Headless(service *ocorev1.Service) bool {
	return service.Spec.ClusterIP == corev1.ClusterIPNone || service.Spec.ClusterIP == ""
}

// Selected are the pods that a Service selects, whatever their state.
func Selected(ctx context.Context, read client.Reader, service *ocorev1.Service) ([]ocorev1.Pod, error) {
	var pods ocorev1.PodList
	if err := read.List(ctx, &pods, client.InNamespace(service.Namespace), client.MatchingLabels(service.Spec.Selector)); err != nil {
		return nil, fmt.Errorf("listing pods of Service %s: %w", client.ObjectKeyFromObject(service), err)
	}
	return pods.Items, nil
}

// Selecting names the Services that select a pod.
func Selecting(ctx context.Context, read client.Reader, pod *ocorev1.Pod) ([]client.ObjectKey, error) {
	var services ocorev1.ServiceList
	if err := read.List(ctx, &services, client.InNamespace(pod.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the Services of namespace %s: %w", pod.Namespace, err)
	}
	var keys []client.ObjectKey
	for _, service := range services.Items {
		if Selects(&service) && labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(pod.Labels)) {
			keys = append(keys, client.ObjectKeyFromObject(&service))
		}
	}
	return keys, nil
}
