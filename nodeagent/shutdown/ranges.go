package shutdown

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
)

// systemCriticalPriority is the lowest of the priority classes of the system.
const systemCriticalPriority = 2_000_000_000

// Range is a range of priorities: from its own to that of the next one.
type Range struct {
	Priority int32
	// Period is how long its pods have to end.
	Period time.Duration
}

// RangesOf are those of a configuration, the least priority first; none if it asks for no graceful shutdown.
func RangesOf(c *kubeletconfigv1beta1.KubeletConfiguration) []Range {
	var ranges []Range
	for _, each := range c.ShutdownGracePeriodByPodPriority {
		ranges = append(ranges, Range{each.Priority, time.Duration(each.ShutdownGracePeriodSeconds) * time.Second})
	}
	whole, critical := c.ShutdownGracePeriod.Duration, c.ShutdownGracePeriodCriticalPods.Duration
	if len(ranges) == 0 && whole > 0 && critical >= 0 && critical <= whole {
		ranges = []Range{{0, (whole - critical).Truncate(time.Second)}, {systemCriticalPriority, critical.Truncate(time.Second)}}
	}
	slices.SortStableFunc(ranges, func(a, b Range) int { return cmp.Compare(a.Priority, b.Priority) })
	return ranges
}

// whole is how long all ranges take together.
func whole(ranges []Range) (sum time.Duration) {
	for _, r := range ranges {
		sum += r.Period
	}
	return sum
}

// rangeOf is the index of the range that a pod is in. One below the first is in the first.
func rangeOf(pod *corev1.Pod, ranges []Range) int {
	var priority int32
	if pod.Spec.Priority != nil {
		priority = *pod.Spec.Priority
	}
	found := 0
	for i, r := range ranges {
		if r.Priority <= priority {
			found = i
		}
	}
	return found
}

// graceOf is what a pod gets to end in a range.
func graceOf(pod *corev1.Pod, r Range) time.Duration {
	if own := pod.Spec.TerminationGracePeriodSeconds; own != nil {
		return min(r.Period, time.Duration(*own)*time.Second)
	}
	return r.Period
}
