package status

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
)

const (
	// systemCriticalPriority is the lowest of the priority classes of the system.
	systemCriticalPriority = 2_000_000_000
	systemNodeCritical     = "system-node-critical"

	// sourceAnnotation says where the agent has a pod from, and sourceAPI that it is an object of the API.
	sourceAnnotation = "kubernetes.io/config.source"
	sourceAPI        = "api"
)

// Static says whether the agent has the pod from a manifest of its node. Whoever makes pods in the API may write any annotation: see
// FromAPI.
func Static(pod *corev1.Pod) bool {
	source, told := pod.Annotations[sourceAnnotation]
	return told && source != sourceAPI
}

// Mirror says whether a pod of the API is the mirror of a static one.
func Mirror(pod *corev1.Pod) bool {
	_, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]
	return mirror
}

// FromAPI returns the pod as one that was read from the API, which is not static whatever its annotations say.
func FromAPI(pod *corev1.Pod) *corev1.Pod {
	if !Static(pod) {
		return pod
	}
	copied := *pod
	copied.Annotations = maps.Clone(pod.Annotations)
	copied.Annotations[sourceAnnotation] = sourceAPI
	return &copied
}

// Critical says whether the pod is static, the mirror of one, or one of the system's: these are never evicted, and let in always.
func Critical(pod *corev1.Pod) bool {
	return Static(pod) || Mirror(pod) || pod.Spec.Priority != nil && *pod.Spec.Priority >= systemCriticalPriority
}

// NodeCritical says whether the node is of no use without the pod: the kernel kills it last when memory runs out.
func NodeCritical(pod *corev1.Pod) bool {
	return Critical(pod) && pod.Spec.PriorityClassName == systemNodeCritical
}
