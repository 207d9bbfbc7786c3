package eviction

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	podresources "k8s.io/component-helpers/resource"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// Keys of the annotations of an event about an eviction.
const (
	offendingContainers      = "offending_containers"
	offendingContainersUsage = "offending_containers_usage"
	offendingPod             = "offending_pod"
	offendingPodUsage        = "offending_pod_usage"
	starvedResource          = "starved_resource"
)

// message is the kubelet's about a pod that is evicted for a resource, with annotations for its event: what was short, and which
// containers used more of it than they had requested. due are the thresholds that are.
func message(pod *corev1.Pod, measured *statsv1alpha1.PodStats, short corev1.ResourceName, due []Threshold, seen map[Signal]observation) (string, map[string]string) {
	var text strings.Builder
	fmt.Fprintf(&text, "The node was low on resource: %v. ", short)
	for _, t := range due {
		if o, observed := seen[t.Signal]; observed && t.Signal.resource() == short {
			limit := t.Value.Of(o.capacity)
			fmt.Fprintf(&text, "Threshold quantity: %v, available: %v. ", limit.String(), o.available.String())
			break
		}
	}
	annotations := map[string]string{}
	if measured == nil {
		return text.String(), annotations
	}
	if short == corev1.ResourceMemory && podresources.IsPodLevelResourcesSet(pod) {
		if request, ok := pod.Spec.Resources.Requests[short]; ok && measured.Memory != nil {
			used := resource.NewQuantity(workingSet(measured.Memory), resource.BinarySI).String()
			fmt.Fprintf(&text, "Pod %s was using %s, request is %s, has larger consumption of %v. ", pod.Name, used, request.String(), short)
			annotations[offendingPod], annotations[offendingPodUsage] = pod.Name, used
		}
	}
	var names, usages []string
	for i := range measured.Containers {
		c := &measured.Containers[i]
		spec := specOf(pod, c.Name)
		used := usedBy(c, short)
		if spec == nil || used == nil {
			continue
		}
		if request := spec.Resources.Requests[short]; used.Cmp(request) > 0 {
			fmt.Fprintf(&text, "Container %s was using %s, request is %s, has larger consumption of %v. ", c.Name, used.String(), request.String(), short)
			names, usages = append(names, c.Name), append(usages, used.String())
		}
	}
	annotations[offendingContainers], annotations[offendingContainersUsage] = strings.Join(names, ","), strings.Join(usages, ",")
	annotations[starvedResource] = string(short)
	return text.String(), annotations
}

func specOf(pod *corev1.Pod, container string) *corev1.Container {
	all := slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers)
	if i := slices.IndexFunc(all, func(c corev1.Container) bool { return c.Name == container }); i >= 0 {
		return &all[i]
	}
	return nil
}

// usedBy is what a container uses of a resource; nil where that is not told of containers.
func usedBy(c *statsv1alpha1.ContainerStats, of corev1.ResourceName) *resource.Quantity {
	switch of {
	case corev1.ResourceEphemeralStorage:
		if c.Rootfs != nil && c.Rootfs.UsedBytes != nil && c.Logs != nil && c.Logs.UsedBytes != nil {
			return resource.NewQuantity(int64(*c.Rootfs.UsedBytes+*c.Logs.UsedBytes), resource.BinarySI)
		}
	case corev1.ResourceMemory:
		if c.Memory != nil && c.Memory.WorkingSetBytes != nil {
			return resource.NewQuantity(int64(*c.Memory.WorkingSetBytes), resource.BinarySI)
		}
	}
	return nil
}
