package resources

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	podresources "k8s.io/component-helpers/resource"
	fwk "k8s.io/kube-scheduler/framework"
)

// What a container without a CPU or memory request is taken to use, in scores only.
const (
	DefaultMilliCPU int64 = 100
	DefaultMemory   int64 = 200 * 1024 * 1024
)

// Requests is what a pending pod needs to find free on a node: the larger of the sum over its containers and the peak
// of its init containers, with sidecars and overhead, or its pod-level requests where it has some.
func Requests(pod *corev1.Pod) *Amounts {
	amounts := &Amounts{}
	amounts.SetMaxResource(podresources.PodRequests(pod, podresources.PodResourcesOptions{}))
	return amounts
}

// StatusRequests is Requests for a pod that may be running: what its status still holds counts as well.
func StatusRequests(pod *corev1.Pod) corev1.ResourceList {
	return podresources.PodRequests(pod, statusOptions())
}

// Usage is what a pod takes away from the node it is on, and what it counts as in scores.
func Usage(pod *corev1.Pod) fwk.PodResource {
	requests := StatusRequests(pod)
	nonZero := requests
	if defaults := missingRequests(pod, requests); len(defaults) > 0 {
		options := statusOptions()
		options.NonMissingContainerRequests = defaults
		nonZero = podresources.PodRequests(pod, options)
	}
	cpu, memory := nonZero[corev1.ResourceCPU], nonZero[corev1.ResourceMemory]
	return fwk.PodResource{Resource: FromList(requests), Non0CPU: cpu.MilliValue(), Non0Mem: memory.Value()}
}

// NonZeroDefaults are the requests that scores give to a container which has none.
func NonZeroDefaults() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewMilliQuantity(DefaultMilliCPU, resource.DecimalSI),
		corev1.ResourceMemory: *resource.NewQuantity(DefaultMemory, resource.DecimalSI),
	}
}

// missingRequests returns the defaults that apply to a pod. With pod-level requests they apply only to a resource that
// is named nowhere in the pod.
func missingRequests(pod *corev1.Pod, requests corev1.ResourceList) corev1.ResourceList {
	defaults := NonZeroDefaults()
	if !podresources.IsPodLevelRequestsSet(pod) {
		return defaults
	}
	for name := range defaults {
		if _, named := requests[name]; named {
			delete(defaults, name)
		}
	}
	return defaults
}

func statusOptions() podresources.PodResourcesOptions {
	return podresources.PodResourcesOptions{
		UseStatusResources: true,
		InPlacePodLevelResourcesVerticalScalingEnabled: true,
	}
}
