package stats

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// Layout is how a node's disks are.
type Layout struct {
	// DedicatedImageFs: images are not on the file system that has the pods' volumes and logs.
	DedicatedImageFs bool
	// SplitContainerFs: what containers write is not on the file system that has the images.
	SplitContainerFs bool
}

// NodeStats measures the node itself, without its pods and its network, and says how its disks are. It is quick.
func (p *Provider) NodeStats(ctx context.Context) (*statsv1alpha1.NodeStats, Layout, error) {
	machine, err := p.Machine()
	if err != nil {
		return nil, Layout{}, fmt.Errorf("measuring node %s: %w", p.Node, err)
	}
	now := p.Clock.Now()
	cpu, memory := machine.stats(now)
	node := &statsv1alpha1.NodeStats{NodeName: p.Node, StartTime: metav1.NewTime(p.Began), CPU: cpu, Memory: memory}
	layout, err := p.addNode(ctx, node, now)
	return node, layout, err
}

// addNode adds what is known of the node besides CPU and memory.
func (p *Provider) addNode(ctx context.Context, node *statsv1alpha1.NodeStats, now time.Time) (Layout, error) {
	if p.Processes != nil {
		node.Rlimit = p.Processes(now)
	}
	if p.AllPods != nil {
		if used, known := p.AllPods(); known {
			cpu, memory := used.stats(now)
			node.SystemContainers = append(node.SystemContainers, statsv1alpha1.ContainerStats{Name: statsv1alpha1.SystemContainerPods, CPU: cpu, Memory: memory})
		}
	}
	root, known := filesystem(p.Root)
	if p.Disk == nil || !known {
		return Layout{}, nil
	}
	node.Fs = root.stats(now, root.used, root.inodes-root.inodesFree)
	info, err := p.Runtime.ImageFsInfo(ctx)
	if err != nil {
		return Layout{}, fmt.Errorf("asking the runtime where images are: %w", err)
	}
	images, containers := firstOf(info.GetImageFilesystems()), firstOf(info.GetContainerFilesystems())
	if images == nil {
		return Layout{}, nil
	}
	if containers == nil {
		containers = images
	}
	node.Runtime = &statsv1alpha1.RuntimeStats{ImageFs: fsStats(images, now), ContainerFs: fsStats(containers, now)}
	return p.layout(images, containers), nil
}

// layout compares devices.
func (p *Provider) layout(images, containers *runtimeapi.FilesystemUsage) Layout {
	root, _ := device(p.Root)
	imageFs, found := device(images.GetFsId().GetMountpoint())
	containerFs, also := device(containers.GetFsId().GetMountpoint())
	if !found || !also {
		return Layout{}
	}
	split := imageFs != containerFs
	return Layout{DedicatedImageFs: imageFs != root || split, SplitContainerFs: split}
}

func firstOf(list []*runtimeapi.FilesystemUsage) *runtimeapi.FilesystemUsage {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// fsStats are those of what the runtime has on a file system; of the file system itself nothing is told where it cannot be read.
func fsStats(of *runtimeapi.FilesystemUsage, now time.Time) *statsv1alpha1.FsStats {
	stats := &statsv1alpha1.FsStats{Time: metav1.NewTime(now)}
	if fs, known := filesystem(of.GetFsId().GetMountpoint()); known {
		stats = fs.stats(now, 0, 0)
	}
	stats.UsedBytes, stats.InodesUsed = number(of.GetUsedBytes()), number(of.GetInodesUsed())
	return stats
}

// Processes is how many the machine runs, threads counted, and how many it can at most; nil where that cannot be read.
func (p Proc) Processes(now time.Time) *statsv1alpha1.RlimitStats {
	running, err := tasks(contentOf(filepath.Join(string(p), "loadavg")))
	if err != nil {
		return nil
	}
	limits := &statsv1alpha1.RlimitStats{Time: metav1.NewTime(now), NumOfRunningProcesses: &running}
	for _, name := range []string{"pid_max", "threads-max"} {
		limit, err := strconv.ParseInt(contentOf(filepath.Join(string(p), "sys", "kernel", name)), 10, 64)
		if err == nil && (limits.MaxPID == nil || limit < *limits.MaxPID) {
			limits.MaxPID = &limit
		}
	}
	return limits
}

// tasks reads the fourth field of /proc/loadavg, as in "0.20 0.18 0.12 1/80 11206": those that run now, and all that there are.
func tasks(loadavg string) (int64, error) {
	fields := strings.Fields(loadavg)
	if len(fields) < 4 {
		return 0, fmt.Errorf("reading the number of processes: %q does not tell it", loadavg)
	}
	_, all, _ := strings.Cut(fields[3], "/")
	return strconv.ParseInt(all, 10, 64)
}

// contentOf is what a file says; nothing where it cannot be read.
func contentOf(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
