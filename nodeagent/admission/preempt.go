package admission

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	podresources "k8s.io/component-helpers/resource"

	"github.com/orrery-dev/orrery/nodeagent/status"
)

// Victims returns a function that chooses which of the others have to leave so that a critical pod has the room that Room refuses it, by
// the kubelet's rules: as few as will do, and of the classes BestEffort before Burstable before Guaranteed. None are chosen where there
// is room, and where all that may have to leave would not do.
func Victims(allocatable corev1.ResourceList) func(pod *corev1.Pod, others []*corev1.Pod) []*corev1.Pod {
	return func(pod *corev1.Pod, others []*corev1.Pod) []*corev1.Pod {
		needs := shortages(pod, others, allocatable)
		by := map[corev1.PodQOSClass][]*corev1.Pod{}
		for _, other := range others {
			if mayPreempt(pod, other) {
				class := status.QOSClass(&other.Spec)
				by[class] = append(by[class], other)
			}
		}
		bestEffort, burstable, guaranteed := by[corev1.PodQOSBestEffort], by[corev1.PodQOSBurstable], by[corev1.PodQOSGuaranteed]
		if len(needs.without(slices.Concat(bestEffort, burstable, guaranteed))) > 0 {
			return nil
		}
		// Of each class those go that all of the others would not make up for.
		last := needs.without(slices.Concat(bestEffort, burstable)).nearest(guaranteed)
		second := needs.without(slices.Concat(bestEffort, last)).nearest(burstable)
		first := needs.without(slices.Concat(second, last)).nearest(bestEffort)
		return slices.Concat(first, second, last)
	}
}

// mayPreempt says whether a pod may have another one leave: a critical one each that is not, and otherwise one of less priority.
func mayPreempt(pod, other *corev1.Pod) bool {
	if status.Critical(pod) && !status.Critical(other) {
		return true
	}
	return pod.Spec.Priority != nil && other.Spec.Priority != nil && *pod.Spec.Priority > *other.Spec.Priority
}

// needs are what a node is short of, in thousandths of CPUs, bytes and pods.
type needs map[corev1.ResourceName]int64

// shortages are what the node is short of for a pod beside the others.
func shortages(pod *corev1.Pod, others []*corev1.Pod, allocatable corev1.ResourceList) needs {
	missing := needs{}
	if capacity, known := allocatable[corev1.ResourcePods]; known && int64(len(others)) >= capacity.Value() {
		missing[corev1.ResourcePods] = int64(len(others)) + 1 - capacity.Value()
	}
	requests := podresources.PodRequests(pod, podresources.PodResourcesOptions{})
	for _, name := range slices.Concat(limited, hugePagesIn(requests)) {
		requested := amount(name, requests)
		capacity, known := allocatable[name]
		if requested == 0 || !known {
			continue
		}
		used := requested
		for _, other := range others {
			used += had(other, name)
		}
		if total := amount(name, corev1.ResourceList{name: capacity}); used > total {
			missing[name] = used - total
		}
	}
	return missing
}

// had is what a pod that is here would give back.
func had(pod *corev1.Pod, name corev1.ResourceName) int64 {
	if name == corev1.ResourcePods {
		return 1
	}
	return amount(name, podresources.PodRequests(pod, taken))
}

// without is what is missing still when some pods have left.
func (n needs) without(pods []*corev1.Pod) needs {
	left := needs{}
	for name, missing := range n {
		for _, pod := range pods {
			missing -= had(pod, name)
		}
		if missing > 0 {
			left[name] = missing
		}
	}
	return left
}

// nearest are pods that make up for what is missing: again and again the one that leaves the least of it, and of those alike the one that
// asks for less.
func (n needs) nearest(pods []*corev1.Pod) (chosen []*corev1.Pod) {
	pods = slices.Clone(pods)
	for len(n) > 0 && len(pods) > 0 {
		best := 0
		for i, pod := range pods {
			switch near, nearest := n.distance(pod), n.distance(pods[best]); {
			case near < nearest, near == nearest && asksNoMore(pod, pods[best]):
				best = i
			}
		}
		n = n.without(pods[best : best+1])
		chosen = append(chosen, pods[best])
		pods[best] = pods[len(pods)-1]
		pods = pods[:len(pods)-1]
	}
	return chosen
}

// distance is how much would still be missing without a pod: the sum, over what is missing, of the squares of the part that is left.
func (n needs) distance(pod *corev1.Pod) (sum float64) {
	for _, name := range slices.Sorted(maps.Keys(n)) { // in one order, for the sake of ties
		missing := n[name]
		if left := float64(missing - had(pod, name)); left > 0 {
			sum += (left / float64(missing)) * (left / float64(missing))
		}
	}
	return sum
}

func asksNoMore(a, b *corev1.Pod) bool {
	for _, name := range []corev1.ResourceName{corev1.ResourceMemory, corev1.ResourceCPU} {
		if x, y := had(a, name), had(b, name); x != y {
			return x < y
		}
	}
	return true
}
