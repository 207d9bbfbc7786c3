package status

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	podresources "k8s.io/component-helpers/resource"
)

// QOSClass is the class of a pod: Guaranteed when every container has limits for CPU and memory which its requests
// equal, BestEffort when none asks for anything, else Burstable. Where the pod itself has requests or limits, those count and
// its containers' do not. The server sets it on its own pods; the agent needs it for pods that are custom resources.
func QOSClass(spec *corev1.PodSpec) corev1.PodQOSClass {
	requests, limits := corev1.ResourceList{}, corev1.ResourceList{}
	guaranteed := true
	for _, resources := range judged(spec) {
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			limited := addPositive(limits, name, resources.Limits)
			addPositive(requests, name, resources.Requests)
			guaranteed = guaranteed && limited
		}
	}
	if len(requests) == 0 && len(limits) == 0 {
		return corev1.PodQOSBestEffort
	}
	for name, request := range requests {
		limit, ok := limits[name]
		guaranteed = guaranteed && ok && limit.Cmp(request) == 0
	}
	if guaranteed && len(limits) == 2 && len(requests) == len(limits) {
		return corev1.PodQOSGuaranteed
	}
	return corev1.PodQOSBurstable
}

// judged are the requests and limits that the class follows from.
func judged(spec *corev1.PodSpec) (all []*corev1.ResourceRequirements) {
	if podresources.IsPodLevelResourcesSet(&corev1.Pod{Spec: *spec}) {
		return []*corev1.ResourceRequirements{spec.Resources}
	}
	for _, containers := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i := range containers {
			all = append(all, &containers[i].Resources)
		}
	}
	return all
}

func addPositive(sum corev1.ResourceList, name corev1.ResourceName, from corev1.ResourceList) bool {
	quantity, ok := from[name]
	if !ok || quantity.Sign() <= 0 {
		return false
	}
	total := sum[name]
	if total.IsZero() {
		total = *resource.NewQuantity(0, quantity.Format)
	}
	total.Add(quantity)
	sum[name] = total
	return true
}
