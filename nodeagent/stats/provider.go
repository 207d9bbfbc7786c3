package stats

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// Runtime is what is asked of a container runtime.
type Runtime interface {
	ListContainers(ctx context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error)
	ListContainerStats(ctx context.Context, filter *runtimeapi.ContainerStatsFilter) ([]*runtimeapi.ContainerStats, error)
	ImageFsInfo(ctx context.Context) (*runtimeapi.ImageFsInfoResponse, error)
}

// Usage is what a machine or a pod uses as a whole.
type Usage struct {
	// CPU is the time used so far, in nanoseconds.
	CPU uint64
	// Memory, WorkingSet, Available and RSS are bytes of memory; those that are 0 are not known, but for the first two.
	Memory, WorkingSet, Available, RSS uint64
	// Processes is how many there are, threads counted; 0 if that is not known.
	Processes uint64
}

// Provider measures one node.
type Provider struct {
	// Node is its name, and the mark of its containers.
	Node    string
	Runtime Runtime
	// Pods are those of the node, with their newest statuses.
	Pods func() []*corev1.Pod
	// Machine measures the node itself, and Began is when it came up.
	Machine func() (Usage, error)
	Began   time.Time
	// Pod measures a pod as a whole, with false where that is not known. Nil knows none.
	Pod func(pod *corev1.Pod) (Usage, bool)
	// AllPods measures all pods together, with false where that is not known, and Processes counts the node's. Nil tells nothing.
	AllPods   func() (Usage, bool)
	Processes func(now time.Time) *statsv1alpha1.RlimitStats
	// Disk says where on the disk things of a pod are, and Root is a directory there. Nil has no disk.
	Disk Disk
	Root string
	// Claims has the figures of the volumes of claims. Nil has none.
	Claims *Claims
	// NodeNetwork and PodNetwork are what has passed the network of the machine, and of a pod whose sandbox is given. Nil tells nothing.
	NodeNetwork func(now time.Time) *statsv1alpha1.NetworkStats
	PodNetwork  func(now time.Time, pod *corev1.Pod, sandbox string) *statsv1alpha1.NetworkStats
	Clock       clock.PassiveClock
}

// CPUAndMemory measures CPU and memory of the node, its pods, and their containers that run. Pods are in the order of their names.
func (p *Provider) CPUAndMemory(ctx context.Context) (*statsv1alpha1.Summary, error) {
	read, err := p.containers(ctx)
	if err != nil {
		return nil, err
	}
	return p.summaryOf(read)
}

// summaryOf tells of CPU and memory what was read of containers, and what their pods and the machine use.
func (p *Provider) summaryOf(read map[types.UID]*reading) (*statsv1alpha1.Summary, error) {
	machine, err := p.Machine()
	if err != nil {
		return nil, fmt.Errorf("measuring node %s: %w", p.Node, err)
	}
	now := p.Clock.Now()
	cpu, memory := machine.stats(now)
	summary := &statsv1alpha1.Summary{
		Node: statsv1alpha1.NodeStats{NodeName: p.Node, StartTime: metav1.NewTime(p.Began), CPU: cpu, Memory: memory},
		Pods: []statsv1alpha1.PodStats{},
	}
	pods := p.Pods()
	slices.SortFunc(pods, func(a, b *corev1.Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.UID, b.UID))
	})
	for _, pod := range pods {
		if of := read[pod.UID]; of != nil {
			summary.Pods = append(summary.Pods, p.pod(pod, of.containers, now))
		}
	}
	return summary, nil
}

// containers is what is told of containers that run, by pod, in the order of their names.
func (p *Provider) containers(ctx context.Context) (map[types.UID]*reading, error) {
	ours := map[string]string{cri.LabelAgent: p.Node}
	state := &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_RUNNING}
	listed, err := p.Runtime.ListContainers(ctx, &runtimeapi.ContainerFilter{LabelSelector: ours, State: state})
	if err != nil {
		return nil, fmt.Errorf("asking the runtime for the containers of node %s: %w", p.Node, err)
	}
	measured, err := p.Runtime.ListContainerStats(ctx, &runtimeapi.ContainerStatsFilter{LabelSelector: ours})
	if err != nil {
		return nil, fmt.Errorf("asking the runtime what the containers of node %s use: %w", p.Node, err)
	}
	byID := make(map[string]*runtimeapi.ContainerStats, len(measured))
	for _, each := range measured {
		byID[each.GetAttributes().GetId()] = each
	}
	found := map[types.UID]*reading{}
	for _, container := range listed {
		each := byID[container.GetId()]
		if each.GetCpu() == nil {
			continue // it has ended meanwhile
		}
		uid := types.UID(container.GetLabels()[cri.LabelPodUID])
		if found[uid] == nil {
			found[uid] = &reading{layers: map[string]*runtimeapi.FilesystemUsage{}}
		}
		of := found[uid]
		of.sandbox = container.GetPodSandboxId()
		of.containers = append(of.containers, containerStats(container, each))
		of.layers[container.GetMetadata().GetName()] = each.GetWritableLayer()
	}
	for _, of := range found {
		slices.SortFunc(of.containers, func(a, b statsv1alpha1.ContainerStats) int { return cmp.Compare(a.Name, b.Name) })
	}
	return found, nil
}

// pod are the figures of a pod whose containers use what is given.
func (p *Provider) pod(pod *corev1.Pod, containers []statsv1alpha1.ContainerStats, now time.Time) statsv1alpha1.PodStats {
	stats := statsv1alpha1.PodStats{
		PodRef:     statsv1alpha1.PodReference{Name: pod.Name, Namespace: pod.Namespace, UID: string(pod.UID)},
		Containers: containers,
	}
	if pod.Status.StartTime != nil {
		stats.StartTime = *pod.Status.StartTime
	}
	if p.Pod != nil {
		if usage, known := p.Pod(pod); known {
			stats.CPU, stats.Memory = usage.stats(now)
			if usage.Processes > 0 {
				stats.ProcessStats = &statsv1alpha1.ProcessStats{ProcessCount: &usage.Processes}
			}
			return stats
		}
	}
	stats.CPU, stats.Memory = together(containers).stats(now)
	return stats
}

// together is what containers use.
func together(containers []statsv1alpha1.ContainerStats) (sum Usage) {
	for _, c := range containers {
		if c.CPU != nil {
			sum.CPU += or0(c.CPU.UsageCoreNanoSeconds)
		}
		if c.Memory != nil {
			sum.Memory += or0(c.Memory.UsageBytes)
			sum.WorkingSet += or0(c.Memory.WorkingSetBytes)
			sum.RSS += or0(c.Memory.RSSBytes)
		}
	}
	return sum
}
