package cri

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"
)

// Deadlines say how long a runtime may take to answer. A call for which the caller names a time, to stop a container or to run a
// command in one, may take that time and Request.
type Deadlines struct {
	// Status is for Version and Status, by which a node knows whether its runtime works.
	Status time.Duration
	// Request is for what reads, makes or removes something.
	Request time.Duration
	// RunPodSandbox also waits for the pod's network.
	RunPodSandbox time.Duration
	// PullImage only ends a pull of which nobody will ever hear again: the runtime itself gives up one that makes no progress.
	PullImage time.Duration
	// Unwanted is how long a call that makes a sandbox or a container, or starts one, may still take after its caller waits no longer.
	// A runtime that is interrupted there leaves half of it behind: containerd a process that waits for ever in the pod's control group.
	Unwanted time.Duration
}

// DefaultDeadlines are the kubelet's, which has none for pulls, none of its own for Status, and ends what is unwanted at once.
func DefaultDeadlines() Deadlines {
	return Deadlines{
		Status: 10 * time.Second, Request: 2 * time.Minute, RunPodSandbox: 4 * time.Minute, PullImage: 2 * time.Hour, Unwanted: 10 * time.Second,
	}
}

// DeadlinesFor are the default deadlines where requests may take so long; sandboxes twice as long, as with the kubelet.
func DeadlinesFor(request time.Duration) Deadlines {
	d := DefaultDeadlines()
	d.Request, d.RunPodSandbox = request, 2*request
	return d
}

// WithDeadlines returns the runtime with calls that end in time, also when it has stopped to answer. Only a command without a limit
// of its own, and the reading of logs, last as long as their contexts. The runtime must end a call when its context ends.
func WithDeadlines(runtime Runtime, deadlines Deadlines) Runtime {
	return around(&bounded{Runtime: runtime, deadlines: deadlines}, runtime)
}

// around returns a runtime that stands before another, with what that one implements besides.
func around(outer, inner Runtime) Runtime {
	notifier, notifies := inner.(Notifier)
	reader, reads := inner.(LogReader)
	switch {
	case notifies && reads:
		return struct {
			Runtime
			Notifier
			LogReader
		}{outer, notifier, reader}
	case notifies:
		return struct {
			Runtime
			Notifier
		}{outer, notifier}
	case reads:
		return struct {
			Runtime
			LogReader
		}{outer, reader}
	default:
		return outer
	}
}

// bounded names every call of the runtime but Name, so that none goes without a deadline.
type bounded struct {
	Runtime
	deadlines Deadlines
}

// within makes a call that may take so long. The published client would log every error that it returns, also where the call was
// given up on purpose: what becomes of an error is for who gets it to say.
func within[T any](ctx context.Context, limit time.Duration, call func(context.Context) (T, error)) (T, error) {
	limited, cancel := context.WithTimeout(klog.NewContext(ctx, logr.Discard()), limit)
	defer cancel()
	answer, err := call(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("the container runtime did not answer within %s: %w", limit, err)
	}
	return answer, err
}

// whole makes a call that is not begun once its caller waits no longer, and otherwise is let end.
func whole[T any](ctx context.Context, b *bounded, limit time.Duration, call func(context.Context) (T, error)) (answer T, err error) {
	if err := ctx.Err(); err != nil {
		return answer, err
	}
	patient, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(b.deadlines.Unwanted, cancel) })()
	answer, err = within(patient, limit, call)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return answer, err
}

// done makes a call that only succeeds or fails.
func done(ctx context.Context, limit time.Duration, call func(context.Context) error) error {
	_, err := within(ctx, limit, func(ctx context.Context) (struct{}, error) { return struct{}{}, call(ctx) })
	return err
}

func (b *bounded) Version(ctx context.Context, apiVersion string) (*runtimeapi.VersionResponse, error) {
	return within(ctx, b.deadlines.Status, func(ctx context.Context) (*runtimeapi.VersionResponse, error) {
		return b.Runtime.Version(ctx, apiVersion)
	})
}

func (b *bounded) Status(ctx context.Context, verbose bool) (*runtimeapi.StatusResponse, error) {
	return within(ctx, b.deadlines.Status, func(ctx context.Context) (*runtimeapi.StatusResponse, error) {
		return b.Runtime.Status(ctx, verbose)
	})
}

func (b *bounded) RunPodSandbox(ctx context.Context, config *runtimeapi.PodSandboxConfig, handler string) (string, error) {
	return whole(ctx, b, b.deadlines.RunPodSandbox, func(ctx context.Context) (string, error) {
		return b.Runtime.RunPodSandbox(ctx, config, handler)
	})
}

func (b *bounded) StopPodSandbox(ctx context.Context, id string) error {
	return done(ctx, b.deadlines.Request, func(ctx context.Context) error { return b.Runtime.StopPodSandbox(ctx, id) })
}

func (b *bounded) RemovePodSandbox(ctx context.Context, id string) error {
	return done(ctx, b.deadlines.Request, func(ctx context.Context) error { return b.Runtime.RemovePodSandbox(ctx, id) })
}

func (b *bounded) PodSandboxStatus(ctx context.Context, id string, verbose bool) (*runtimeapi.PodSandboxStatusResponse, error) {
	return within(ctx, b.deadlines.Request, func(ctx context.Context) (*runtimeapi.PodSandboxStatusResponse, error) {
		return b.Runtime.PodSandboxStatus(ctx, id, verbose)
	})
}

func (b *bounded) ListPodSandbox(ctx context.Context, filter *runtimeapi.PodSandboxFilter) ([]*runtimeapi.PodSandbox, error) {
	return within(ctx, b.deadlines.Request, func(ctx context.Context) ([]*runtimeapi.PodSandbox, error) {
		return b.Runtime.ListPodSandbox(ctx, filter)
	})
}

func (b *bounded) CreateContainer(ctx context.Context, sandboxID string, config *runtimeapi.ContainerConfig, sandbox *runtimeapi.PodSandboxConfig) (string, error) {
	return whole(ctx, b, b.deadlines.Request, func(ctx context.Context) (string, error) {
		return b.Runtime.CreateContainer(ctx, sandboxID, config, sandbox)
	})
}

func (b *bounded) StartContainer(ctx context.Context, id string) error {
	_, err := whole(ctx, b, b.deadlines.Request, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, b.Runtime.StartContainer(ctx, id)
	})
	return err
}

func (b *bounded) StopContainer(ctx context.Context, id string, timeout int64) error {
	limit := time.Duration(timeout)*time.Second + b.deadlines.Request
	return done(ctx, limit, func(ctx context.Context) error { return b.Runtime.StopContainer(ctx, id, timeout) })
}

func (b *bounded) RemoveContainer(ctx context.Context, id string) error {
	return done(ctx, b.deadlines.Request, func(ctx context.Context) error { return b.Runtime.RemoveContainer(ctx, id) })
}

func (b *bounded) UpdateContainerResources(ctx context.Context, id string, resources *runtimeapi.ContainerResources) error {
	return done(ctx, b.deadlines.Request, func(ctx context.Context) error {
		return b.Runtime.UpdateContainerResources(ctx, id, resources)
	})
}

func (b *bounded) ListContainerStats(ctx context.Context, filter *runtimeapi.ContainerStatsFilter) ([]*runtimeapi.ContainerStats, error) {
	return within(ctx, b.deadlines.Request, func(ctx context.Context) ([]*runtimeapi.ContainerStats, error) {
		return b.Runtime.ListContainerStats(ctx, filter)
	})
}

func (b *bounded) ReopenContainerLog(ctx context.Context, id string) error {
	return done(ctx, b.deadlines.Request, func(ctx context.Context) error { return b.Runtime.ReopenContainerLog(ctx, id) })
}

func (b *bounded) CheckpointContainer(ctx context.Context, options *runtimeapi.CheckpointContainerRequest) error {
	limit := time.Duration(options.Timeout)*time.Second + b.deadlines.Request
	return done(ctx, limit, func(ctx context.Context) error { return b.Runtime.CheckpointContainer(ctx, options) })
}

func (b *bounded) ContainerStatus(ctx context.Context, id string, verbose bool) (*runtimeapi.ContainerStatusResponse, error) {
	return within(ctx, b.deadlines.Request, func(ctx context.Context) (*runtimeapi.ContainerStatusResponse, error) {
		return b.Runtime.ContainerStatus(ctx, id, verbose)
	})
}

func (b *bounded) ListContainers(ctx context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error) {
	return within(ctx, b.deadlines.Request, func(ctx context.Context) ([]*runtimeapi.Container, error) {
		return b.Runtime.ListContainers(ctx, filter)
	})
}

func (b *bounded) ExecSync(ctx context.Context, id string, cmd []string, timeout time.Duration) (stdout, stderr []byte, err error) {
	if timeout == 0 { // no limit
		return b.Runtime.ExecSync(ctx, id, cmd, timeout)
	}
	err = done(ctx, timeout+b.deadlines.Request, func(ctx context.Context) error {
		stdout, stderr, err = b.Runtime.ExecSync(ctx, id, cmd, timeout)
		return err
	})
	return stdout, stderr, err
}

func (b *bounded) ListImages(ctx context.Context, filter *runtimeapi.ImageFilter) ([]*runtimeapi.Image, error) {
	return within(ctx, b.deadlines.Request, func(ctx context.Context) ([]*runtimeapi.Image, error) {
		return b.Runtime.ListImages(ctx, filter)
	})
}

func (b *bounded) ImageStatus(ctx context.Context, image *runtimeapi.ImageSpec, verbose bool) (*runtimeapi.ImageStatusResponse, error) {
	return within(ctx, b.deadlines.Request, func(ctx context.Context) (*runtimeapi.ImageStatusResponse, error) {
		return b.Runtime.ImageStatus(ctx, image, verbose)
	})
}

func (b *bounded) PullImage(ctx context.Context, image *runtimeapi.ImageSpec, auth *runtimeapi.AuthConfig, sandbox *runtimeapi.PodSandboxConfig) (string, error) {
	return within(ctx, b.deadlines.PullImage, func(ctx context.Context) (string, error) {
		return b.Runtime.PullImage(ctx, image, auth, sandbox)
	})
}

func (b *bounded) RemoveImage(ctx context.Context, image *runtimeapi.ImageSpec) error {
	return done(ctx, b.deadlines.Request, func(ctx context.Context) error { return b.Runtime.RemoveImage(ctx, image) })
}

func (b *bounded) ImageFsInfo(ctx context.Context) (*runtimeapi.ImageFsInfoResponse, error) {
	return within(ctx, b.deadlines.Request, func(ctx context.Context) (*runtimeapi.ImageFsInfoResponse, error) {
		return b.Runtime.ImageFsInfo(ctx)
	})
}

func (b *bounded) Exec(ctx context.Context, request *runtimeapi.ExecRequest) (*runtimeapi.ExecResponse, error) {
	return within(ctx, b.deadlines.Request, func(ctx context.Context) (*runtimeapi.ExecResponse, error) {
		return b.Runtime.Exec(ctx, request)
	})
}

func (b *bounded) Attach(ctx context.Context, request *runtimeapi.AttachRequest) (*runtimeapi.AttachResponse, error) {
	return within(ctx, b.deadlines.Request, func(ctx context.Context) (*runtimeapi.AttachResponse, error) {
		return b.Runtime.Attach(ctx, request)
	})
}

func (b *bounded) PortForward(ctx context.Context, request *runtimeapi.PortForwardRequest) (*runtimeapi.PortForwardResponse, error) {
	return within(ctx, b.deadlines.Request, func(ctx context.Context) (*runtimeapi.PortForwardResponse, error) {
		return b.Runtime.PortForward(ctx, request)
	})
}
