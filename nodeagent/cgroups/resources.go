package cgroups

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	podresources "k8s.io/component-helpers/resource"

	"github.com/orrery-dev/orrery/nodeagent/status"
)

// Figures of the kernel's and upstream's.
const (
	minShares  = 2
	maxShares  = 262144
	period     = 100000 // microseconds
	minQuota   = 1000   // microseconds
	guaranteed = -997
	bestEffort = 1000
)

// Shares is the cpu.shares of a request in thousandths of a CPU.
func Shares(milliCPU int64) uint64 {
	return uint64(min(max(milliCPU*1024/1000, minShares), maxShares))
}

// Weight is the cpu.weight (version 2) of cpu.shares (version 1).
func Weight(shares uint64) uint64 { return 1 + (shares-minShares)*9999/(maxShares-minShares) }

// Quota is the cfs quota, in microseconds each period, of a limit in thousandths of a CPU; zero without a limit.
func Quota(milliCPU int64) (quota int64, each uint64) {
	if milliCPU == 0 {
		return 0, period
	}
	return max(milliCPU*period/1000, minQuota), period
}

// OOMScoreAdjust says how soon the kernel kills a container when memory runs out: the less it asked for, the sooner.
func OOMScoreAdjust(class corev1.PodQOSClass, memoryRequest, memoryCapacity int64) int64 {
	switch {
	case class == corev1.PodQOSGuaranteed:
		return guaranteed
	case class == corev1.PodQOSBestEffort || memoryCapacity <= 0:
		return bestEffort
	}
	adjust := 1000 - 1000*memoryRequest/memoryCapacity
	return min(max(adjust, 1000+guaranteed), bestEffort-1)
}

// Limits are those of a group. Zero means none.
type Limits struct {
	Shares uint64
	Quota  int64
	Period uint64
	Memory int64
	// Pids is how many processes there may be, threads counted.
	Pids int64
}

// Of computes the limits of a pod: its own, or what its containers ask for together, or any of its init containers alone; with the
// overhead of its runtime class. There is a limit only where the pod or every container has one.
func Of(spec *corev1.PodSpec) Limits {
	pod := &corev1.Pod{Spec: *spec}
	requested := podresources.PodRequests(pod, podresources.PodResourcesOptions{})
	limited := podresources.PodLimits(pod, podresources.PodResourcesOptions{})
	limits := Limits{Shares: Shares(requested.Cpu().MilliValue())}
	if hasLimit(spec, corev1.ResourceCPU) {
		limits.Quota, limits.Period = Quota(limited.Cpu().MilliValue())
	}
	if hasLimit(spec, corev1.ResourceMemory) {
		limits.Memory = limited.Memory().Value()
	}
	return limits
}

func hasLimit(spec *corev1.PodSpec, name corev1.ResourceName) bool {
	if spec.Resources != nil && positive(spec.Resources.Limits, name) {
		return true
	}
	for _, list := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i := range list {
			if !positive(list[i].Resources.Limits, name) {
				return false
			}
		}
	}
	return true
}

func positive(list corev1.ResourceList, name corev1.ResourceName) bool {
	quantity := list[name]
	return quantity.Sign() > 0
}

// Path is the group of a pod below a root, such as /orrery/kubepods/burstable/podUID.
func Path(root string, pod *corev1.Pod) string {
	parts := []string{strings.TrimSuffix(root, "/")}
	switch class := status.QOSClass(&pod.Spec); class {
	case corev1.PodQOSBurstable, corev1.PodQOSBestEffort:
		parts = append(parts, strings.ToLower(string(class)))
	}
	return strings.Join(append(parts, "pod"+string(pod.UID)), "/")
}
