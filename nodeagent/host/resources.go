package host

import (
	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// resources are the limits of one container.
func (h *Host) resources(pod *corev1.Pod, spec *corev1.Container) *runtimeapi.LinuxContainerResources {
	limits := spec.Resources.Limits
	requests := spec.Resources.Requests
	request := requests.Cpu().MilliValue()
	if _, set := requests[corev1.ResourceCPU]; !set {
		request = limits.Cpu().MilliValue()
	}
	quota, period := cgroups.Quota(limits.Cpu().MilliValue())
	return &runtimeapi.LinuxContainerResources{
		CpuShares:          int64(cgroups.Shares(request)),
		CpuQuota:           quota,
		CpuPeriod:          int64(period),
		MemoryLimitInBytes: limits.Memory().Value(),
		OomScoreAdj:        cgroups.OOMScoreAdjust(status.QOSClass(&pod.Spec), requests.Memory().Value(), h.memory()),
	}
}

// memory is what the node has.
func (h *Host) memory() int64 { return h.Capacity.Memory().Value() }
