package cgroups

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/restart"
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

// Limits are those of a pod's group. Zero means none.
type Limits struct {
	Shares uint64
	Quota  int64
	Period uint64
	Memory int64
}

// Of computes the limits of a pod: what its containers ask for together, or any of its init containers alone. There is a limit
// only where every container has one.
func Of(spec *corev1.PodSpec) Limits {
	var limits Limits
	limits.Shares = Shares(sum(spec, request, corev1.ResourceCPU))
	if all(spec, corev1.ResourceCPU) {
		limits.Quota, limits.Period = Quota(sum(spec, limit, corev1.ResourceCPU))
	}
	if all(spec, corev1.ResourceMemory) {
		limits.Memory = sum(spec, limit, corev1.ResourceMemory)
	}
	return limits
}

func request(c *corev1.Container, name corev1.ResourceName) int64 {
	quantity, ok := c.Resources.Requests[name]
	if !ok {
		quantity = c.Resources.Limits[name]
	}
	return amount(name, &quantity)
}

func limit(c *corev1.Container, name corev1.ResourceName) int64 {
	quantity := c.Resources.Limits[name]
	return amount(name, &quantity)
}

func amount(name corev1.ResourceName, quantity interface {
	MilliValue() int64
	Value() int64
}) int64 {
	if name == corev1.ResourceCPU {
		return quantity.MilliValue()
	}
	return quantity.Value()
}

// sum counts containers and sidecars together; a regular init container runs beside the sidecars before it.
func sum(spec *corev1.PodSpec, of func(*corev1.Container, corev1.ResourceName) int64, name corev1.ResourceName) int64 {
	var sidecars, peak int64
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		if restart.Sidecar(c) {
			sidecars += of(c, name)
			peak = max(peak, sidecars)
			continue
		}
		peak = max(peak, sidecars+of(c, name))
	}
	total := sidecars
	for i := range spec.Containers {
		total += of(&spec.Containers[i], name)
	}
	return max(total, peak)
}

func all(spec *corev1.PodSpec, name corev1.ResourceName) bool {
	for _, list := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i := range list {
			if limit(&list[i], name) == 0 {
				return false
			}
		}
	}
	return true
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
