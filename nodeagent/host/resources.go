package host

import (
	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/pods"
	"github.com/orrery-dev/orrery/nodeagent/stats"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// Resources implements pods.Host.
func (h *Host) Resources(pod *corev1.Pod, amounts pods.Amounts) *runtimeapi.LinuxContainerResources {
	quota, period := cgroups.Quota(amounts.CPULimit)
	return &runtimeapi.LinuxContainerResources{
		CpuShares:          int64(cgroups.Shares(amounts.CPURequest)),
		CpuQuota:           quota,
		CpuPeriod:          int64(period),
		MemoryLimitInBytes: amounts.MemoryLimit,
		OomScoreAdj:        cgroups.OOMScoreAdjust(oomClass(pod), amounts.MemoryRequest, h.memory()),
	}
}

// oomClass is the class by which the kernel chooses whom to kill.
func oomClass(pod *corev1.Pod) corev1.PodQOSClass {
	if status.NodeCritical(pod) {
		return corev1.PodQOSGuaranteed
	}
	return status.QOSClass(&pod.Spec)
}

// LimitGroup implements pods.Host.
func (h *Host) LimitGroup(pod *corev1.Pod, limits cgroups.Limits) error {
	if h.CgroupRoot == "" {
		return nil
	}
	return h.Cgroups.Update(cgroups.Path(h.CgroupRoot, pod), h.groupLimits(pod, limits))
}

// groupLimits are the limits of a pod's group, with that of its processes, which no pod asks for. Where a container has CPUs for itself, the
// group is not held back by a limit of CPU: those containers that share have limits of their own.
func (h *Host) groupLimits(pod *corev1.Pod, limits cgroups.Limits) cgroups.Limits {
	limits.Pids = max(h.PodPidsLimit, 0)
	if h.Assignments != nil && h.Assignments.Exclusive(pod) {
		limits.Quota, limits.Period = 0, 0
	}
	return limits
}

// MemoryUsage implements pods.Host.
func (h *Host) MemoryUsage(pod *corev1.Pod) (int64, error) {
	if h.CgroupRoot == "" {
		return 0, nil
	}
	return h.Cgroups.MemoryUsage(cgroups.Path(h.CgroupRoot, pod))
}

// Usage is what a pod uses as a whole, and whether that could be read: while it has a control group.
func (h *Host) Usage(pod *corev1.Pod) (stats.Usage, bool) {
	if h.CgroupRoot == "" {
		return stats.Usage{}, false
	}
	used, err := h.Cgroups.Usage(cgroups.Path(h.CgroupRoot, pod))
	if err != nil {
		return stats.Usage{}, false
	}
	return stats.Usage{CPU: used.CPU, Memory: used.Memory, WorkingSet: used.WorkingSet, RSS: used.RSS, Processes: used.Processes}, true
}

// memory is what the node has.
func (h *Host) memory() int64 { return h.Capacity.Memory().Value() }
