package status

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	podresources "k8s.io/component-helpers/resource"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// The least that the kernel knows of CPU: what is allocated below that is shown as it was allocated.
const (
	leastCPURequest = 2  // in thousandths; also the least cpu.shares
	leastCPULimit   = 10 // in thousandths
)

// sharesPerCPU are the cpu.shares of one CPU.
const sharesPerCPU = 1024

// resources are the requests and limits that an instance of a container really has: what was allocated, and where it runs, what the
// runtime says instead. What nobody knows is what was told before of the same instance.
func (in *Input) resources(spec *corev1.Container, c *cri.Container, last *corev1.ContainerStatus) *corev1.ResourceRequirements {
	shown := spec.Resources.DeepCopy()
	if !c.Running() {
		return shown
	}
	var told corev1.ResourceRequirements
	if last != nil && last.Resources != nil && last.State.Running != nil && last.ContainerID == c.ContainerID() {
		told = *last.Resources
	}
	now := in.actual(c)
	show(shown.Limits, corev1.ResourceCPU, milli(now.CPULimit), told.Limits, leastCPULimit)
	show(shown.Limits, corev1.ResourceMemory, bytes(now.MemoryLimit), told.Limits, 0)
	show(shown.Requests, corev1.ResourceCPU, milli(now.CPURequest), told.Requests, leastCPURequest)
	show(shown.Requests, corev1.ResourceMemory, bytes(now.MemoryRequest), told.Requests, 0)
	return shown
}

// setResources says what a pod with requests or limits of its own was allocated, and what it has: while it runs, that is what its
// control group has.
func (in *Input) setResources(s *corev1.PodStatus) {
	if !podresources.IsPodLevelResourcesSet(in.Pod) {
		return
	}
	s.AllocatedResources = podresources.PodRequests(in.Pod, podresources.PodResourcesOptions{})
	s.Resources = in.Pod.Spec.Resources.DeepCopy()
	if s.Phase != corev1.PodRunning {
		s.Resources.Requests = s.AllocatedResources.DeepCopy()
		s.Resources.Limits = podresources.PodLimits(in.Pod, podresources.PodResourcesOptions{})
		return
	}
	if s.Resources.Requests == nil {
		s.Resources.Requests = corev1.ResourceList{}
	}
	if s.Resources.Limits == nil {
		s.Resources.Limits = corev1.ResourceList{}
	}
	if memory, known := s.AllocatedResources[corev1.ResourceMemory]; known {
		s.Resources.Requests[corev1.ResourceMemory] = memory
	}
	show(s.Resources.Requests, corev1.ResourceCPU, milli(in.Group.CPURequest), nil, leastCPURequest)
	show(s.Resources.Limits, corev1.ResourceCPU, milli(in.Group.CPULimit), nil, leastCPULimit)
	show(s.Resources.Limits, corev1.ResourceMemory, bytes(in.Group.MemoryLimit), nil, 0)
}

// show puts what a container has into a list, unless that and what is in the list are both no more than the least, in thousandths.
func show(list corev1.ResourceList, name corev1.ResourceName, has *resource.Quantity, before corev1.ResourceList, least int64) {
	if list == nil {
		return
	}
	allocated := list[name]
	switch told, known := before[name]; {
	case has != nil && (has.MilliValue() > least || allocated.MilliValue() > least):
		list[name] = has.DeepCopy()
	case has == nil && known:
		list[name] = told.DeepCopy()
	}
}

// actual is what the runtime says of a container, with the request for memory, of which no runtime knows.
func (in *Input) actual(c *cri.Container) Amounts {
	given, has := in.Given[c.ID], c.Resources
	if has == nil {
		return given
	}
	now := FromKernel(has.GetCpuShares(), has.GetCpuQuota(), has.GetCpuPeriod(), has.GetMemoryLimitInBytes())
	now.MemoryRequest = given.MemoryRequest
	return now
}

// FromKernel are the amounts that shares, a quota in each period, and a limit of memory stand for.
func FromKernel(shares, quota, period, memory int64) Amounts {
	amounts := Amounts{MemoryLimit: memory}
	if period > 0 && quota > 0 {
		amounts.CPULimit = quota * 1000 / period
	}
	if shares >= leastCPURequest {
		amounts.CPURequest = (shares*1000 + sharesPerCPU - 1) / sharesPerCPU
	}
	return amounts
}

// milli and bytes are quantities; nil where there is none.
func milli(value int64) *resource.Quantity {
	if value <= 0 {
		return nil
	}
	return resource.NewMilliQuantity(value, resource.DecimalSI)
}

func bytes(value int64) *resource.Quantity {
	if value <= 0 {
		return nil
	}
	return resource.NewQuantity(value, resource.BinarySI)
}
