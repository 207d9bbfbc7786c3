package pods

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// allocation is what a pod may have: its own requests and limits, and those of its containers by name. Its spec may ask for others.
type allocation struct {
	Pod        *corev1.ResourceRequirements           `json:"pod,omitempty"`
	Containers map[string]corev1.ResourceRequirements `json:"containers"`
}

// allocationOf is what a spec asks for.
func allocationOf(spec *corev1.PodSpec) *allocation {
	asked := &allocation{Pod: spec.Resources, Containers: map[string]corev1.ResourceRequirements{}}
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			asked.Containers[list[i].Name] = list[i].Resources
		}
	}
	return asked
}

// Allocation is the value of a sandbox's annotation for what the pod is allocated when it is made.
func Allocation(pod *corev1.Pod) string {
	text, err := json.Marshal(allocationOf(&pod.Spec))
	if err != nil {
		return "" // a decoded API type always encodes
	}
	return string(text)
}

// remembered is the allocation that the annotations of a sandbox hold; nil if they hold none.
func remembered(annotations map[string]string) *allocation {
	kept := &allocation{}
	if json.Unmarshal([]byte(annotations[cri.AnnotationAllocation]), kept) != nil {
		return nil
	}
	return kept
}

// of returns the pod with what it was allocated, and whether that is what its spec asks for. The pod itself is not changed.
func (a *allocation) of(pod *corev1.Pod) (allocated *corev1.Pod, asSpecified bool) {
	allocated, asSpecified = pod, true
	change := func(now, before *corev1.ResourceRequirements, set func(*corev1.PodSpec)) {
		if equality.Semantic.DeepEqual(now, before) {
			return
		}
		if asSpecified {
			allocated, asSpecified = pod.DeepCopy(), false
		}
		set(&allocated.Spec)
	}
	change(pod.Spec.Resources, a.Pod, func(spec *corev1.PodSpec) { spec.Resources = a.Pod })
	for i := range pod.Spec.Containers {
		if before, ok := a.Containers[pod.Spec.Containers[i].Name]; ok {
			change(&pod.Spec.Containers[i].Resources, &before, func(spec *corev1.PodSpec) { spec.Containers[i].Resources = before })
		}
	}
	for i := range pod.Spec.InitContainers {
		if before, ok := a.Containers[pod.Spec.InitContainers[i].Name]; ok {
			change(&pod.Spec.InitContainers[i].Resources, &before, func(spec *corev1.PodSpec) { spec.InitContainers[i].Resources = before })
		}
	}
	return allocated, asSpecified
}
