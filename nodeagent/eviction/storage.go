package eviction

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	podresources "k8s.io/component-helpers/resource"
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
