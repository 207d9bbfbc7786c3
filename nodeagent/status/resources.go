package status

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

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
	now := Amounts{MemoryRequest: given.MemoryRequest, MemoryLimit: has.GetMemoryLimitInBytes()}
	if quota, period := has.GetCpuQuota(), has.GetCpuPeriod(); period > 0 && quota > 0 {
		now.CPULimit = quota * 1000 / period
	}
	if shares := has.GetCpuShares(); shares >= leastCPURequest {
		now.CPURequest = (shares*1000 + sharesPerCPU - 1) / sharesPerCPU
	}
	return now
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
