package stats

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// Disk says where on the disk things of a pod are.
type Disk interface {
	VolumePath(pod *corev1.Pod, volume *corev1.Volume) string
	ContainerLogs(pod *corev1.Pod, container string) string
}

// filesystemSize is how large a file system is, in bytes and inodes.
type filesystemSize struct{ capacity, available, used, inodes, inodesFree uint64 }

// stats are the figures of something on the file system that takes so much of it.
func (f filesystemSize) stats(now time.Time, bytes, inodes uint64) *statsv1alpha1.FsStats {
	return &statsv1alpha1.FsStats{
		Time: metav1.NewTime(now), AvailableBytes: &f.available, CapacityBytes: &f.capacity, UsedBytes: &bytes,
		Inodes: &f.inodes, InodesFree: &f.inodesFree, InodesUsed: &inodes,
	}
}

// Summary measures what CPUAndMemory does, and besides that what is on the disk and what has passed the network. It walks through logs
// and volumes, and takes as long as that does.
func (p *Provider) Summary(ctx context.Context) (*statsv1alpha1.Summary, error) {
	read, err := p.containers(ctx)
	if err != nil {
		return nil, err
	}
	summary, err := p.summaryOf(read)
	if err != nil {
		return nil, err
	}
	now := p.Clock.Now()
	if _, err := p.addNode(ctx, &summary.Node, now); err != nil {
		return nil, err
	}
	node, known := filesystem(p.Root)
	known = known && p.Disk != nil
	if p.NodeNetwork != nil {
		summary.Node.Network = p.NodeNetwork(now)
	}
	pods := map[types.UID]*corev1.Pod{}
	for _, pod := range p.Pods() {
		pods[pod.UID] = pod
	}
	for i := range summary.Pods {
		stats := &summary.Pods[i]
		uid := types.UID(stats.PodRef.UID)
		pod, of := pods[uid], read[uid]
		if pod == nil {
			continue // it has just gone
		}
		if p.PodNetwork != nil {
			stats.Network = p.PodNetwork(now, pod, of.sandbox)
		}
		if known {
			p.addDisk(stats, pod, of, node, now)
		}
		stats.VolumeStats = append(stats.VolumeStats, p.Claims.of(uid)...)
	}
	return summary, nil
}

// addDisk adds what a pod has on the disk: what its containers have written to their own file systems, their logs, and volumes that are
// the pod's own. Together that is its ephemeral storage.
func (p *Provider) addDisk(stats *statsv1alpha1.PodStats, pod *corev1.Pod, of *reading, node filesystemSize, now time.Time) {
	var bytes, inodes uint64
	sum := func(b, i uint64) (uint64, uint64) {
		bytes, inodes = bytes+b, inodes+i
		return b, i
	}
	for i := range stats.Containers {
		c := &stats.Containers[i]
		if layer := of.layers[c.Name]; layer.GetUsedBytes() != nil {
			on, _ := filesystem(layer.GetFsId().GetMountpoint())
			b, n := sum(layer.GetUsedBytes().GetValue(), layer.GetInodesUsed().GetValue())
			c.Rootfs = on.stats(now, b, n)
		}
		b, n := sum(occupied(p.Disk.ContainerLogs(pod, c.Name)))
		c.Logs = node.stats(now, b, n)
	}
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if volume.EmptyDir == nil {
			continue
		}
		path := p.Disk.VolumePath(pod, volume)
		b, n := occupied(path)
		on := node
		if volume.EmptyDir.Medium == corev1.StorageMediumDefault {
			sum(b, n)
		} else if memory, ok := filesystem(path); ok {
			on = memory
		}
		stats.VolumeStats = append(stats.VolumeStats, statsv1alpha1.VolumeStats{Name: volume.Name, FsStats: *on.stats(now, b, n)})
	}
	stats.EphemeralStorage = node.stats(now, bytes, inodes)
}

func occupied(dir string) (bytes, inodes uint64) {
	b, i := Occupied(dir)
	return uint64(max(b, 0)), uint64(max(i, 0))
}

// reading is what the runtime tells of the containers of a pod.
type reading struct {
	sandbox    string
	containers []statsv1alpha1.ContainerStats
	// layers are what containers have written, by their names.
	layers map[string]*runtimeapi.FilesystemUsage
}
