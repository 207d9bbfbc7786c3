package host

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// resources are the limits of one container. One without a limit of its own may use what the pod may.
func (h *Host) resources(pod *corev1.Pod, spec *corev1.Container) *runtimeapi.LinuxContainerResources {
	cpu := limit(pod, spec, corev1.ResourceCPU)
	requests := spec.Resources.Requests
	request := requests.Cpu().MilliValue()
	if _, set := requests[corev1.ResourceCPU]; !set {
		request = cpu.MilliValue()
	}
	memory := limit(pod, spec, corev1.ResourceMemory)
	quota, period := cgroups.Quota(cpu.MilliValue())
	return &runtimeapi.LinuxContainerResources{
		CpuShares:          int64(cgroups.Shares(request)),
		CpuQuota:           quota,
		CpuPeriod:          int64(period),
		MemoryLimitInBytes: memory.Value(),
		OomScoreAdj:        cgroups.OOMScoreAdjust(status.QOSClass(&pod.Spec), requests.Memory().Value(), h.memory()),
	}
}

func limit(pod *corev1.Pod, spec *corev1.Container, name corev1.ResourceName) resource.Quantity {
	quantity := spec.Resources.Limits[name]
	if quantity.IsZero() && pod.Spec.Resources != nil {
		return pod.Spec.Resources.Limits[name]
	}
	return quantity
}

// memory is what the node has.
func (h *Host) memory() int64 { return h.Capacity.Memory().Value() }
