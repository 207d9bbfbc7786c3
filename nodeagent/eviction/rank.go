package eviction

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	podresources "k8s.io/component-helpers/resource"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"github.com/orrery-dev/orrery/nodeagent/stats"
)

// ranked are the pods in the order in which they are evicted for a signal: first those that were not measured, then those that use more
// than they requested, then by priority, and by how much more than requested they use. Of processes nobody requests any.
func ranked(all []*corev1.Pod, measured map[types.UID]*statsv1alpha1.PodStats, s Signal, l stats.Layout) []*corev1.Pod {
	list := make([]candidate, 0, len(all))
	for _, pod := range all {
		list = append(list, candidateOf(pod, measured[pod.UID], s, l))
	}
	slices.SortStableFunc(list, inOrder(s.resource() == pids))
	sorted := make([]*corev1.Pod, 0, len(list))
	for _, c := range list {
		sorted = append(sorted, c.pod)
	}
	return sorted
}

// candidate is a pod, and what it has to do with a resource.
type candidate struct {
	pod *corev1.Pod
	// unmeasured: nothing is known of what it uses.
	unmeasured bool
	// exceeds: it uses more than it requested, by excess.
	exceeds bool
	excess  int64
}

func candidateOf(pod *corev1.Pod, measured *statsv1alpha1.PodStats, s Signal, l stats.Layout) candidate {
	if measured == nil {
		return candidate{pod: pod, unmeasured: true}
	}
	used := usageOf(pod, measured, s, l)
	// Nobody requests inodes; the kubelet takes requests of bytes off them all the same.
	relativeTo := s.resource()
	if relativeTo == inodes {
		relativeTo = corev1.ResourceEphemeralStorage
	}
	return candidate{pod: pod, exceeds: used > requested(pod, s.resource()), excess: used - requested(pod, relativeTo)}
}

// inOrder compares two candidates. Pressure of processes knows no requests: there priority comes first.
func inOrder(byPriority bool) func(a, b candidate) int {
	return func(a, b candidate) int {
		priorities := cmp.Compare(schedulinghelpers.PodPriority(a.pod), schedulinghelpers.PodPriority(b.pod))
		if byPriority {
			return cmp.Or(priorities, trueFirst(a.unmeasured, b.unmeasured), cmp.Compare(b.excess, a.excess))
		}
		return cmp.Or(
			trueFirst(a.unmeasured, b.unmeasured), trueFirst(a.exceeds, b.exceeds), priorities, cmp.Compare(b.excess, a.excess),
		)
	}
}

func trueFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

// requested is what the pod requested, in bytes or a number.
func requested(pod *corev1.Pod, name corev1.ResourceName) int64 {
	whole := podresources.PodRequests(pod, podresources.PodResourcesOptions{
		SkipContainerLevelResources: podresources.IsPodLevelResourcesSet(pod), ExcludeOverhead: true,
	})
	amount := whole[name]
	if overhead, ok := pod.Spec.Overhead[name]; ok && !amount.IsZero() {
		amount.Add(overhead)
	}
	return amount.Value()
}

// usageOf is what the pod uses of what a signal is about.
func usageOf(pod *corev1.Pod, measured *statsv1alpha1.PodStats, s Signal, l stats.Layout) int64 {
	switch s.resource() {
	case corev1.ResourceMemory:
		return workingSet(measured.Memory)
	case pids:
		if p := measured.ProcessStats; p != nil && p.ProcessCount != nil {
			return int64(*p.ProcessCount)
		}
		return 0
	}
	var sum int64
	for _, fs := range filesOf(pod, measured, partsOn(s, l)) {
		sum += usedOf(fs, s.resource())
	}
	return sum
}

func workingSet(memory *statsv1alpha1.MemoryStats) int64 {
	if memory == nil || memory.WorkingSetBytes == nil {
		return 0
	}
	return int64(*memory.WorkingSetBytes)
}

func usedOf(fs *statsv1alpha1.FsStats, of corev1.ResourceName) int64 {
	switch {
	case fs == nil:
	case of == inodes && fs.InodesUsed != nil:
		return int64(*fs.InodesUsed)
	case of != inodes && fs.UsedBytes != nil:
		return int64(*fs.UsedBytes)
	}
	return 0
}

// filesOf are those parts of what a pod has on the disk.
func filesOf(pod *corev1.Pod, measured *statsv1alpha1.PodStats, parts []part) (found []*statsv1alpha1.FsStats) {
	for i := range measured.Containers {
		if slices.Contains(parts, writableLayers) {
			found = append(found, measured.Containers[i].Rootfs)
		}
		if slices.Contains(parts, containerLogs) {
			found = append(found, measured.Containers[i].Logs)
		}
	}
	if !slices.Contains(parts, localVolumes) {
		return found
	}
	for i := range measured.VolumeStats {
		if local(pod, measured.VolumeStats[i].Name) {
			found = append(found, &measured.VolumeStats[i].FsStats)
		}
	}
	return found
}

// local says whether a volume of the pod takes up the node's disk.
func local(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
		return v.Name == name && (v.HostPath != nil || v.GitRepo != nil || v.ConfigMap != nil || onDisk(&v))
	})
}
