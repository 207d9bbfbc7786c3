package pods

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// allocation is what a pod was given when its sandbox was made: its own requests and limits, and those of its containers by name.
// The sandbox keeps it, and so it outlives the agent.
type allocation struct {
	Pod        *corev1.ResourceRequirements           `json:"pod,omitempty"`
	Containers map[string]corev1.ResourceRequirements `json:"containers"`
}

// Allocation is the value of a sandbox's annotation for what the pod is given with it.
func Allocation(pod *corev1.Pod) string {
	given := allocation{Pod: pod.Spec.Resources, Containers: map[string]corev1.ResourceRequirements{}}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			given.Containers[list[i].Name] = list[i].Resources
		}
	}
	text, err := json.Marshal(given)
	if err != nil {
		return "" // a decoded API type always encodes
	}
	return string(text)
}

// allocated returns the pod with what it was given, and whether that is what its spec asks for: requests and limits can be changed
// while a pod runs.
func allocated(pod *corev1.Pod, sandboxes []cri.Sandbox) (given *corev1.Pod, asSpecified bool) {
	var kept allocation
	if len(sandboxes) == 0 || json.Unmarshal([]byte(sandboxes[0].Annotations[cri.AnnotationAllocation]), &kept) != nil {
		return pod, true
	}
	given, asSpecified = pod, true
	change := func(now, before *corev1.ResourceRequirements, set func(*corev1.PodSpec)) {
		if equality.Semantic.DeepEqual(now, before) {
			return
		}
		if asSpecified {
			given, asSpecified = pod.DeepCopy(), false
		}
		set(&given.Spec)
	}
	change(pod.Spec.Resources, kept.Pod, func(spec *corev1.PodSpec) { spec.Resources = kept.Pod })
	for i := range pod.Spec.Containers {
		if before, ok := kept.Containers[pod.Spec.Containers[i].Name]; ok {
			change(&pod.Spec.Containers[i].Resources, &before, func(spec *corev1.PodSpec) { spec.Containers[i].Resources = before })
		}
	}
	for i := range pod.Spec.InitContainers {
		if before, ok := kept.Containers[pod.Spec.InitContainers[i].Name]; ok {
			change(&pod.Spec.InitContainers[i].Resources, &before, func(spec *corev1.PodSpec) { spec.InitContainers[i].Resources = before })
		}
	}
	return given, asSpecified
}
