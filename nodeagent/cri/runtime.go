package cri

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	criclient "k8s.io/cri-client/pkg"
	crilogs "k8s.io/cri-client/pkg/logs"
)

// Sandboxes are the calls about pod sandboxes.
type Sandboxes interface {
	RunPodSandbox(ctx context.Context, config *runtimeapi.PodSandboxConfig, runtimeHandler string) (string, error)
	StopPodSandbox(ctx context.Context, id string) error
	RemovePodSandbox(ctx context.Context, id string) error
	PodSandboxStatus(ctx context.Context, id string, verbose bool) (*runtimeapi.PodSandboxStatusResponse, error)
	ListPodSandbox(ctx context.Context, filter *runtimeapi.PodSandboxFilter) ([]*runtimeapi.PodSandbox, error)
}

// Containers are the calls about containers.
type Containers interface {
	CreateContainer(ctx context.Context, sandboxID string, config *runtimeapi.ContainerConfig, sandbox *runtimeapi.PodSandboxConfig) (string, error)
	StartContainer(ctx context.Context, id string) error
	// StopContainer sends the stop signal, waits timeout seconds, and then kills.
	StopContainer(ctx context.Context, id string, timeout int64) error
	RemoveContainer(ctx context.Context, id string) error
	// UpdateContainerResources gives a running container other limits; what is zero stays as it is.
	UpdateContainerResources(ctx context.Context, id string, resources *runtimeapi.ContainerResources) error
	ContainerStatus(ctx context.Context, id string, verbose bool) (*runtimeapi.ContainerStatusResponse, error)
	ListContainers(ctx context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error)
	// ReopenContainerLog has a running container's log written to a new file, after the old one was renamed.
	ReopenContainerLog(ctx context.Context, id string) error
	// CheckpointContainer writes what a running container is at this moment into an archive.
	CheckpointContainer(ctx context.Context, options *runtimeapi.CheckpointContainerRequest) error
	ListContainerStats(ctx context.Context, filter *runtimeapi.ContainerStatsFilter) ([]*runtimeapi.ContainerStats, error)
	ExecSync(ctx context.Context, id string, cmd []string, timeout time.Duration) (stdout, stderr []byte, err error)
}

// Images are the calls about images.
type Images interface {
	ListImages(ctx context.Context, filter *runtimeapi.ImageFilter) ([]*runtimeapi.Image, error)
	ImageStatus(ctx context.Context, image *runtimeapi.ImageSpec, verbose bool) (*runtimeapi.ImageStatusResponse, error)
	PullImage(ctx context.Context, image *runtimeapi.ImageSpec, auth *runtimeapi.AuthConfig, sandbox *runtimeapi.PodSandboxConfig) (string, error)
	// RemoveImage removes an image with all its names. One that is not there is no error.
	RemoveImage(ctx context.Context, image *runtimeapi.ImageSpec) error
	// ImageFsInfo says where images are on the disk, and the writable layers of containers.
	ImageFsInfo(ctx context.Context) (*runtimeapi.ImageFsInfoResponse, error)
}

// Streaming are the calls that answer with the address of a stream.
type Streaming interface {
	Exec(ctx context.Context, request *runtimeapi.ExecRequest) (*runtimeapi.ExecResponse, error)
	Attach(ctx context.Context, request *runtimeapi.AttachRequest) (*runtimeapi.AttachResponse, error)
	PortForward(ctx context.Context, request *runtimeapi.PortForwardRequest) (*runtimeapi.PortForwardResponse, error)
}

// Runtime is a container runtime as the agent sees it. But for Name, the methods are CRI's own. Each ends when its context does.
type Runtime interface {
	// Name is what the runtime calls itself in the answer to Version, such as containerd. The IDs of its containers begin with it
	// where the API shows them.
	Name() string
	Version(ctx context.Context, apiVersion string) (*runtimeapi.VersionResponse, error)
	Status(ctx context.Context, verbose bool) (*runtimeapi.StatusResponse, error)
	Sandboxes
	Containers
	Images
	Streaming
}

// Notifier is implemented by a runtime that says by itself when something about a pod changed. A runtime without it is
// polled. The function may be called from any goroutine and must not block.
type Notifier interface {
	Notify(changed func(podUID string))
}

// LogReader is implemented by a runtime whose containers' logs can be read. With options.Follow it writes until the
// container ends or ctx does.
type LogReader interface {
	ReadLog(ctx context.Context, containerID string, options *corev1.PodLogOptions, out io.Writer) error
}

// Client is a Runtime over a CRI socket.
type Client struct {
	internalapi.RuntimeService
	images internalapi.ImageManagerService
	name   string
}

var (
	_ Runtime   = (*Client)(nil)
	_ LogReader = (*Client)(nil)
)

// connectTimeout is how long an attempt to reach the runtime may take. It is also the published client's own limit for short calls;
// WithDeadlines has all of them.
const connectTimeout = 2 * time.Minute

// Connect opens a CRI v1 endpoint such as unix:///run/containerd/containerd.sock. It returns an error when nothing
// answers there, or when what answers does not speak CRI v1.
func Connect(ctx context.Context, endpoint string) (*Client, error) {
	services := criclient.NewRemoteRuntimeServiceBuilder().WithEndpoint(endpoint).WithConnectionTimeout(connectTimeout)
	runtime, err := services.Build(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting to the container runtime at %s: %w", endpoint, err)
	}
	images, err := criclient.NewRemoteImageServiceBuilder().WithEndpoint(endpoint).WithConnectionTimeout(connectTimeout).Build(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connecting to the image service at %s: %w", endpoint, err), runtime.Close(ctx))
	}
	client := &Client{RuntimeService: runtime, images: images}
	version, err := runtime.Version(ctx, "v1")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("asking the container runtime at %s for its name: %w", endpoint, err), client.Close(ctx))
	}
	client.name = version.GetRuntimeName()
	return client, nil
}

// Name is what the runtime called itself when Connect asked.
func (c *Client) Name() string { return c.name }

// Close ends the connections. Containers go on running.
func (c *Client) Close(ctx context.Context) error {
	return errors.Join(c.RuntimeService.Close(ctx), c.images.Close(ctx))
}

// ListImages lists the images which the runtime has.
func (c *Client) ListImages(ctx context.Context, filter *runtimeapi.ImageFilter) ([]*runtimeapi.Image, error) {
	return c.images.ListImages(ctx, filter)
}

// ImageStatus answers with a nil Image when the runtime does not have it.
func (c *Client) ImageStatus(ctx context.Context, image *runtimeapi.ImageSpec, verbose bool) (*runtimeapi.ImageStatusResponse, error) {
	return c.images.ImageStatus(ctx, image, verbose)
}

// PullImage fetches an image and returns the reference to give to CreateContainer.
func (c *Client) PullImage(ctx context.Context, image *runtimeapi.ImageSpec, auth *runtimeapi.AuthConfig, sandbox *runtimeapi.PodSandboxConfig) (string, error) {
	return c.images.PullImage(ctx, image, auth, sandbox)
}

// RemoveImage removes an image.
func (c *Client) RemoveImage(ctx context.Context, image *runtimeapi.ImageSpec) error {
	return c.images.RemoveImage(ctx, image)
}

// ImageFsInfo says where images are.
func (c *Client) ImageFsInfo(ctx context.Context) (*runtimeapi.ImageFsInfoResponse, error) {
	return c.images.ImageFsInfo(ctx)
}

// ReadLog reads the file that the runtime writes.
func (c *Client) ReadLog(ctx context.Context, containerID string, options *corev1.PodLogOptions, out io.Writer) error {
	status, err := c.ContainerStatus(ctx, containerID, false)
	if err != nil {
		return fmt.Errorf("reading container %s: %w", containerID, err)
	}
	read := &crilogs.LogOptions{
		TailLines: options.TailLines, LimitBytes: options.LimitBytes, Follow: options.Follow, Timestamp: options.Timestamps,
	}
	switch {
	case options.SinceSeconds != nil:
		read.Since = time.Now().Add(-time.Duration(*options.SinceSeconds) * time.Second)
	case options.SinceTime != nil:
		read.Since = options.SinceTime.Time
	}
	stdout, stderr := out, out
	if options.Stream != nil && *options.Stream == corev1.LogStreamStdout {
		stderr = io.Discard
	} else if options.Stream != nil && *options.Stream == corev1.LogStreamStderr {
		stdout = io.Discard
	}
	return crilogs.ReadLogs(ctx, status.GetStatus().GetLogPath(), containerID, read, c.RuntimeService, stdout, stderr)
}
