package policy

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// Cached says how the cache that an enforcer reads from keeps pods: without what policies do not ask about, which is most of them.
func Cached() map[client.Object]cache.ByObject {
	return map[client.Object]cache.ByObject{&ocorev1.Pod{}: {Transform: func(object any) (any, error) {
		if pod, ok := object.(*ocorev1.Pod); ok {
			return (*ocorev1.Pod)(trimmed((*corev1.Pod)(pod))), nil
		}
		return object, nil
	}}}
}

// trimmed is what policies ask about a pod, in a copy.
func trimmed(pod *corev1.Pod) *corev1.Pod {
	t := &corev1.Pod{
		TypeMeta: pod.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion, Labels: pod.Labels,
		},
		Spec:   corev1.PodSpec{NodeName: pod.Spec.NodeName, HostNetwork: pod.Spec.HostNetwork},
		Status: corev1.PodStatus{Phase: pod.Status.Phase, PodIPs: pod.Status.PodIPs},
	}
	// Sidecars are among the init containers.
	t.Spec.InitContainers, t.Spec.Containers = withPorts(pod.Spec.InitContainers), withPorts(pod.Spec.Containers)
	return t
}

// withPorts are the ports of those containers that name any.
func withPorts(containers []corev1.Container) []corev1.Container {
	var some []corev1.Container
	for i := range containers {
		if len(containers[i].Ports) > 0 {
			some = append(some, corev1.Container{Name: containers[i].Name, Ports: containers[i].Ports})
		}
	}
	return some
}
