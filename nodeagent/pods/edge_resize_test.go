package pods

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// untrue says what a status claims that is not so: one that has seen the spec, and speaks of no resize, says that the pod has what it
// asks for.
func untrue(pod *corev1.Pod) string {
	if pod.Status.ObservedGeneration != pod.Generation || resizeCondition(pod) != "" {
		return ""
	}
	for i := range pod.Status.ContainerStatuses {
		c := &pod.Status.ContainerStatuses[i]
		if spec := (&World{Pod: pod}).spec(c.Name); c.State.Running != nil && !equality.Semantic.DeepEqual(c.Resources, &spec.Resources) {
			return fmt.Sprintf("container %s of pod %s is said to have what it asks for, with %v instead of %v", c.Name, pod.Name, c.Resources, spec.Resources)
		}
	}
	return ""
}

func (r frailRuntime) UpdateContainerResources(ctx context.Context, id string, resources *runtimeapi.ContainerResources) error {
	return r.calls("resizing a container", func() error {
		status, err := r.ContainerStatus(ctx, id, false)
		if err != nil {
			return err
		}
		group, given := r.groups[types.UID(status.GetStatus().GetLabels()[cri.LabelPodUID])], resources.GetLinux()
		if more(given.GetMemoryLimitInBytes(), group.Memory) || more(given.GetCpuQuota(), group.Quota) {
			r.wrong(fmt.Sprintf("container %s was to have more than its group: %v of %+v", status.GetStatus().GetMetadata().GetName(), given, group))
		}
		return r.Runtime.UpdateContainerResources(ctx, id, resources)
	})
}

func (plainHost) LimitGroup(*corev1.Pod, cgroups.Limits) error { return nil }
func (plainHost) MemoryUsage(*corev1.Pod) (int64, error)       { return 0, nil }
func (plainHost) WriteCheckpoint(*corev1.Pod, []byte) error    { return nil }
func (plainHost) ReadCheckpoint(types.UID) ([]byte, error)     { return nil, nil }
func (plainHost) Resources(_ *corev1.Pod, amounts Amounts) *runtimeapi.LinuxContainerResources {
	quota, period := cgroups.Quota(amounts.CPULimit)
	return &runtimeapi.LinuxContainerResources{
		CpuShares: int64(cgroups.Shares(amounts.CPURequest)), CpuQuota: quota, CpuPeriod: int64(period), MemoryLimitInBytes: amounts.MemoryLimit,
	}
}

func (h preparedHost) LimitGroup(pod *corev1.Pod, limits cgroups.Limits) error {
	return h.calls("limiting a pod's group", func() error {
		h.groups[pod.UID] = limits
		return nil
	})
}

func (h preparedHost) MemoryUsage(pod *corev1.Pod) (int64, error) { return h.used[pod.UID], nil }

func (h preparedHost) WriteCheckpoint(pod *corev1.Pod, text []byte) error {
	return h.calls("writing a checkpoint", func() error {
		h.checkpoints[pod.UID] = text
		return nil
	})
}

func (h preparedHost) ReadCheckpoint(uid types.UID) ([]byte, error) { return h.checkpoints[uid], nil }
