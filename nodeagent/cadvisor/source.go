package cadvisor

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// Runtime is what is asked of a container runtime.
type Runtime interface {
	ListPodSandbox(ctx context.Context, filter *runtimeapi.PodSandboxFilter) ([]*runtimeapi.PodSandbox, error)
	ListContainers(ctx context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error)
	ListContainerStats(ctx context.Context, filter *runtimeapi.ContainerStatsFilter) ([]*runtimeapi.ContainerStats, error)
}

// Source reads the groups of a node that runs containers.
type Source struct {
	// Node is the mark of the node's containers.
	Node    string
	Runtime Runtime
	Pods    func() []*corev1.Pod
	Cgroups *cgroups.FS
	// Root is below which pods have their groups.
	Root string
	// Proc is where the kernel tells of processes: /proc.
	Proc string
	// Machine is the group of all processes.
	Machine func() Group
}

// Groups are the machine's, those of pods, of their sandboxes, and of containers that run.
func (s *Source) Groups(ctx context.Context) ([]Group, error) {
	ours := map[string]string{cri.LabelAgent: s.Node}
	sandboxes, err := s.Runtime.ListPodSandbox(ctx, &runtimeapi.PodSandboxFilter{
		LabelSelector: ours, State: &runtimeapi.PodSandboxStateValue{State: runtimeapi.PodSandboxState_SANDBOX_READY},
	})
	if err != nil {
		return nil, fmt.Errorf("asking the runtime for the sandboxes of node %s: %w", s.Node, err)
	}
	containers, err := s.Runtime.ListContainers(ctx, &runtimeapi.ContainerFilter{
		LabelSelector: ours, State: &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_RUNNING},
	})
	if err != nil {
		return nil, fmt.Errorf("asking the runtime for the containers of node %s: %w", s.Node, err)
	}
	stats, err := s.Runtime.ListContainerStats(ctx, &runtimeapi.ContainerStatsFilter{LabelSelector: ours})
	if err != nil {
		return nil, fmt.Errorf("asking the runtime what the containers of node %s use: %w", s.Node, err)
	}
	layers := map[string]*runtimeapi.FilesystemUsage{}
	for _, each := range stats {
		layers[each.GetAttributes().GetId()] = each.GetWritableLayer()
	}
	pods := map[types.UID]*corev1.Pod{}
	for _, pod := range s.Pods() {
		pods[pod.UID] = pod
	}
	groups := []Group{s.Machine()}
	for _, sandbox := range sandboxes {
		if pod := pods[types.UID(sandbox.GetLabels()[cri.LabelPodUID])]; pod != nil {
			groups = append(groups, s.pod(pod, sandbox)...)
		}
	}
	for _, container := range containers {
		if pod := pods[types.UID(container.GetLabels()[cri.LabelPodUID])]; pod != nil {
			groups = s.add(groups, container.GetId(), s.container(pod, container, layers[container.GetId()]))
		}
	}
	return groups, nil
}

// pod are the groups of a pod and its sandbox.
func (s *Source) pod(pod *corev1.Pod, sandbox *runtimeapi.PodSandbox) (groups []Group) {
	whole := Group{Pod: pod.Name, Namespace: pod.Namespace, Start: time.Unix(0, sandbox.GetCreatedAt())}
	inside := whole
	whole.ID = cgroups.Path(s.Root, pod)
	inside.ID, inside.Name, inside.Image = path.Join(whole.ID, sandbox.GetId()), sandbox.GetId(), "pause"
	inside.Network = s.Interfaces(pod, sandbox.GetId())
	return s.add(s.add(nil, "", whole), sandbox.GetId(), inside)
}

// Interfaces are those of a pod's sandbox; none, where it is on the machine's network, or gone.
func (s *Source) Interfaces(pod *corev1.Pod, sandbox string) []Interface {
	pid, ok := s.Cgroups.Process(path.Join(cgroups.Path(s.Root, pod), sandbox))
	if !ok || pod.Spec.HostNetwork {
		return nil
	}
	interfaces, err := interfacesOf(s.Proc, pid)
	if err != nil {
		return nil // it has just ended
	}
	return interfaces
}

func (s *Source) container(pod *corev1.Pod, container *runtimeapi.Container, layer *runtimeapi.FilesystemUsage) Group {
	g := Group{
		ID: path.Join(cgroups.Path(s.Root, pod), container.GetId()), Image: image(container),
		Container: container.GetMetadata().GetName(), Pod: pod.Name, Namespace: pod.Namespace, Start: time.Unix(0, container.GetCreatedAt()),
	}
	if layer.GetUsedBytes() != nil {
		g.Written, g.Device = &layer.UsedBytes.Value, layer.GetFsId().GetMountpoint()
	}
	return g
}

// image is what the container's image was called, where the runtime remembers that.
func image(container *runtimeapi.Container) string {
	return cmp.Or(container.GetImage().GetUserSpecifiedImage(), container.GetImage().GetImage())
}

// add reads a group and adds it, unless it is gone.
func (s *Source) add(groups []Group, name string, g Group) []Group {
	details, ok := s.Cgroups.Details(g.ID)
	if !ok {
		return groups
	}
	g.Name, g.Details = name, details
	return append(groups, g)
}
