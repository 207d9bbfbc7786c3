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
		OomScoreAdj:        cgroups.OOMScoreAdjust(status.QOSClass(&pod.Spec), amounts.MemoryRequest, h.memory()),
	}
}

// LimitGroup implements pods.Host.
func (h *Host) LimitGroup(pod *corev1.Pod, limits cgroups.Limits) error {
	if h.CgroupRoot == "" {
		return nil
	}
	return h.Cgroups.Update(cgroups.Path(h.CgroupRoot, pod), limits)
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
	return stats.Usage{CPU: used.CPU, Memory: used.Memory, WorkingSet: used.WorkingSet, RSS: used.RSS}, true
}

// memory is what the node has.
func (h *Host) memory() int64 { return h.Capacity.Memory().Value() }
