package eviction

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	podresources "k8s.io/component-helpers/resource"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/stats"
)

// Usage is what a pod uses of the disk, in bytes.
type Usage struct {
	// EmptyDirs are volumes by name, and Containers what they have written to their own file systems and logs.
	EmptyDirs, Containers map[string]int64
}

func (u *Usage) total() (sum int64) {
	for _, bytes := range u.EmptyDirs {
		sum += bytes
	}
	for _, bytes := range u.Containers {
		sum += bytes
	}
	return sum
}

// Exceeded says which limit the pod exceeds; "" if none.
func Exceeded(pod *corev1.Pod, used Usage) string {
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if limit := sizeLimit(volume); limit != nil && used.EmptyDirs[volume.Name] > limit.Value() {
			return fmt.Sprintf("Usage of EmptyDir volume %q exceeds the limit %q. ", volume.Name, limit.String())
		}
	}
	if limit, limited := podLimit(pod); limited && used.total() > limit.Value() {
		return fmt.Sprintf("Pod ephemeral local storage usage exceeds the total limit of containers %s. ", limit.String())
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			limit, limited := list[i].Resources.Limits[corev1.ResourceEphemeralStorage]
			if limited && used.Containers[list[i].Name] > limit.Value() {
				return fmt.Sprintf("Container %s exceeded its local ephemeral storage limit %q. ", list[i].Name, limit.String())
			}
		}
	}
	return ""
}

// limited says whether the pod has any limit that is held here.
func limited(pod *corev1.Pod) bool {
	for i := range pod.Spec.Volumes {
		if sizeLimit(&pod.Spec.Volumes[i]) != nil {
			return true
		}
	}
	_, limited := podLimit(pod)
	return limited
}

// sizeLimit is that of an emptyDir on the disk; nil for any other volume, and for one without a limit.
func sizeLimit(volume *corev1.Volume) *resource.Quantity {
	if !onDisk(volume) || volume.EmptyDir.SizeLimit == nil || volume.EmptyDir.SizeLimit.Sign() <= 0 {
		return nil
	}
	return volume.EmptyDir.SizeLimit
}

func onDisk(volume *corev1.Volume) bool {
	return volume.EmptyDir != nil && volume.EmptyDir.Medium == corev1.StorageMediumDefault
}

func podLimit(pod *corev1.Pod) (resource.Quantity, bool) {
	limit, limited := podresources.PodLimits(pod, podresources.PodResourcesOptions{})[corev1.ResourceEphemeralStorage]
	return limit, limited && limit.Sign() > 0
}

// exceeded measures the pods that have limits, and says of those that exceed them which one.
func (m *Manager) exceeded(ctx context.Context, pods []*corev1.Pod) (map[types.UID]string, error) {
	var some []*corev1.Pod
	for _, pod := range pods {
		if limited(pod) && pod.DeletionTimestamp == nil {
			some = append(some, pod)
		}
	}
	if len(some) == 0 {
		return nil, nil
	}
	layers, err := m.writableLayers(ctx)
	if err != nil {
		return nil, err
	}
	found := map[types.UID]string{}
	for _, pod := range some {
		if message := Exceeded(pod, m.usage(pod, layers[pod.UID])); message != "" {
			found[pod.UID] = message
		}
	}
	return found, nil
}

// writableLayers is what containers have written to their own file systems, by pod and name.
func (m *Manager) writableLayers(ctx context.Context) (map[types.UID]map[string]int64, error) {
	measured, err := m.Runtime.ListContainerStats(ctx, &runtimeapi.ContainerStatsFilter{LabelSelector: map[string]string{cri.LabelAgent: m.Agent}})
	if err != nil {
		return nil, fmt.Errorf("asking the runtime what containers have written: %w", err)
	}
	layers := map[types.UID]map[string]int64{}
	for _, s := range measured {
		labels := s.GetAttributes().GetLabels()
		uid := types.UID(labels[cri.LabelPodUID])
		if layers[uid] == nil {
			layers[uid] = map[string]int64{}
		}
		layers[uid][labels[cri.LabelContainerName]] += int64(s.GetWritableLayer().GetUsedBytes().GetValue())
	}
	return layers, nil
}

func (m *Manager) usage(pod *corev1.Pod, layers map[string]int64) Usage {
	used := Usage{EmptyDirs: map[string]int64{}, Containers: map[string]int64{}}
	for i := range pod.Spec.Volumes {
		if volume := &pod.Spec.Volumes[i]; onDisk(volume) {
			used.EmptyDirs[volume.Name] = occupied(m.Disk.VolumePath(pod, volume))
		}
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			used.Containers[list[i].Name] = layers[list[i].Name] + occupied(m.Disk.ContainerLogs(pod, list[i].Name))
		}
	}
	return used
}

// occupied is how many bytes of the disk a directory takes.
func occupied(dir string) int64 {
	bytes, _ := stats.Occupied(dir)
	return bytes
}
