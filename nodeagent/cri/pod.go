package cri

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Pod is what the runtime knows about one pod.
type Pod struct {
	// Sandboxes are sorted from the newest to the oldest. A pod that runs has one that is ready.
	Sandboxes []Sandbox
	// Containers are sorted from the newest to the oldest, those of all sandboxes together.
	Containers []Container
}

// Sandbox is the place where a pod's containers run.
type Sandbox struct {
	ID          string
	Ready       bool
	CreatedAt   time.Time
	Attempt     uint32
	IPs         []string
	HostNetwork bool
	Labels      map[string]string
	Annotations map[string]string
}

// Container is one instance of a container of the pod's spec.
type Container struct {
	// RuntimeName is the name of the runtime that has it.
	RuntimeName                  string
	ID, SandboxID, Name, Hash    string
	State                        runtimeapi.ContainerState
	Restarts                     int32
	CreatedAt, Started, Finished time.Time
	ExitCode                     int32
	Reason, Message              string
	Image, ImageRef, ImageID     string
	LogPath                      string
	// RecursiveReadOnly are the paths in the container at which all that is mounted is read-only, what is mounted below as well.
	RecursiveReadOnly []string
	TerminationLog    string // the path on the node of the file for terminationMessagePath; "" if there is none
	Annotations       map[string]string
	// Resources are the limits that the runtime says it has; nil where the runtime does not tell.
	Resources    *runtimeapi.LinuxContainerResources
	UID, GID     int64
	Supplemental []int64
	HasUser      bool
	// StopSignal is what asks it to end, such as SIGUSR1; "" where the runtime does not tell.
	StopSignal string
}

// ContainerID is the container's ID as a pod's status shows it, such as containerd://ID.
func (c *Container) ContainerID() string { return c.RuntimeName + "://" + c.ID }

// Running says whether the container's process runs.
func (c *Container) Running() bool { return c.State == runtimeapi.ContainerState_CONTAINER_RUNNING }

// Exited says whether the container's process ran and ended.
func (c *Container) Exited() bool { return c.State == runtimeapi.ContainerState_CONTAINER_EXITED }

// Created says whether the container was made but its process never started.
func (c *Container) Created() bool { return c.State == runtimeapi.ContainerState_CONTAINER_CREATED }

// Latest returns the newest instance of the named container, or nil.
func (p *Pod) Latest(name string) *Container { return p.latest(name, "") }

// LatestIn returns the newest instance of the named container in one sandbox, or nil.
func (p *Pod) LatestIn(sandboxID, name string) *Container { return p.latest(name, sandboxID) }

func (p *Pod) latest(name, sandboxID string) *Container {
	for i := range p.Containers {
		if c := &p.Containers[i]; c.Name == name && (sandboxID == "" || c.SandboxID == sandboxID) {
			return c
		}
	}
	return nil
}

// Ready returns the newest sandbox if it is ready, or nil.
func (p *Pod) Ready() *Sandbox {
	if len(p.Sandboxes) == 0 || !p.Sandboxes[0].Ready {
		return nil
	}
	return &p.Sandboxes[0]
}

// AnyRunning says whether a process of the pod still runs.
func (p *Pod) AnyRunning() bool {
	return slices.ContainsFunc(p.Containers, func(c Container) bool { return c.Running() })
}

// SignalPrefix is before the API's name of a signal in CRI's.
const SignalPrefix = "SIGNAL_"

// ReadPod reads the sandboxes and containers that the named agent made for a pod.
func ReadPod(ctx context.Context, runtime Runtime, agent, podUID string) (Pod, error) {
	selector := map[string]string{LabelPodUID: podUID, LabelAgent: agent}
	var pod Pod
	sandboxes, err := runtime.ListPodSandbox(ctx, &runtimeapi.PodSandboxFilter{LabelSelector: selector})
	if err != nil {
		return pod, fmt.Errorf("listing sandboxes of pod %s: %w", podUID, err)
	}
	for _, item := range sandboxes {
		sandbox, err := readSandbox(ctx, runtime, item)
		if err != nil {
			return pod, err
		}
		pod.Sandboxes = append(pod.Sandboxes, sandbox)
	}
	containers, err := runtime.ListContainers(ctx, &runtimeapi.ContainerFilter{LabelSelector: selector})
	if err != nil {
		return pod, fmt.Errorf("listing containers of pod %s: %w", podUID, err)
	}
	for _, item := range containers {
		container, err := readContainer(ctx, runtime, item)
		if err != nil {
			return pod, err
		}
		pod.Containers = append(pod.Containers, container)
	}
	pod.sort()
	return pod, nil
}

func (p *Pod) sort() {
	slices.SortStableFunc(p.Sandboxes, func(a, b Sandbox) int {
		return cmp.Or(cmp.Compare(b.Attempt, a.Attempt), b.CreatedAt.Compare(a.CreatedAt))
	})
	slices.SortStableFunc(p.Containers, func(a, b Container) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.Restarts, a.Restarts))
	})
}

func readSandbox(ctx context.Context, runtime Runtime, item *runtimeapi.PodSandbox) (Sandbox, error) {
	response, err := runtime.PodSandboxStatus(ctx, item.Id, false)
	if err != nil {
		return Sandbox{}, fmt.Errorf("reading sandbox %s: %w", item.Id, err)
	}
	status := response.GetStatus()
	sandbox := Sandbox{
		ID:          item.Id,
		Ready:       status.GetState() == runtimeapi.PodSandboxState_SANDBOX_READY,
		CreatedAt:   time.Unix(0, status.GetCreatedAt()),
		Attempt:     status.GetMetadata().GetAttempt(),
		HostNetwork: status.GetLinux().GetNamespaces().GetOptions().GetNetwork() == runtimeapi.NamespaceMode_NODE,
		Labels:      status.GetLabels(),
		Annotations: status.GetAnnotations(),
	}
	if ip := status.GetNetwork().GetIp(); ip != "" && !sandbox.HostNetwork {
		sandbox.IPs = append(sandbox.IPs, ip)
		for _, more := range status.GetNetwork().GetAdditionalIps() {
			sandbox.IPs = append(sandbox.IPs, more.GetIp())
		}
	}
	return sandbox, nil
}

func readContainer(ctx context.Context, runtime Runtime, item *runtimeapi.Container) (Container, error) {
	response, err := runtime.ContainerStatus(ctx, item.Id, false)
	if err != nil {
		return Container{}, fmt.Errorf("reading container %s: %w", item.Id, err)
	}
	status := response.GetStatus()
	restarts, _ := strconv.ParseInt(status.GetAnnotations()[AnnotationRestartCount], 10, 32) // absent on foreign containers: 0
	container := Container{
		RuntimeName: runtime.Name(), ID: item.Id, SandboxID: item.PodSandboxId, Name: status.GetMetadata().GetName(),
		Hash:      status.GetAnnotations()[AnnotationHash],
		State:     status.GetState(),
		Restarts:  int32(restarts),
		CreatedAt: instant(status.GetCreatedAt()), Started: instant(status.GetStartedAt()), Finished: instant(status.GetFinishedAt()),
		ExitCode: status.GetExitCode(), Reason: status.GetReason(), Message: status.GetMessage(),
		Image: status.GetImage().GetUserSpecifiedImage(), ImageRef: status.GetImageRef(), ImageID: status.GetImageId(),
		LogPath:     status.GetLogPath(),
		Annotations: status.GetAnnotations(),
		Resources:   status.GetResources().GetLinux(),
	}
	if signal := status.GetStopSignal(); signal != runtimeapi.Signal_SIGNAL_RUNTIME_DEFAULT {
		container.StopSignal = strings.TrimPrefix(signal.String(), SignalPrefix)
	}
	if container.Image == "" {
		container.Image = status.GetImage().GetImage()
	}
	if user := status.GetUser().GetLinux(); user != nil {
		container.HasUser = true
		container.UID, container.GID, container.Supplemental = user.GetUid(), user.GetGid(), user.GetSupplementalGroups()
	}
	for _, mount := range status.GetMounts() {
		if path := container.Annotations[AnnotationTerminationMessagePath]; path != "" && mount.GetContainerPath() == path {
			container.TerminationLog = mount.GetHostPath()
		}
		if mount.GetRecursiveReadOnly() {
			container.RecursiveReadOnly = append(container.RecursiveReadOnly, mount.GetContainerPath())
		}
	}
	return container, nil
}

func instant(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}
