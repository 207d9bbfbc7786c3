package simulated

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// CreateContainer makes a container in a ready sandbox; its image must have been pulled.
func (r *Runtime) CreateContainer(ctx context.Context, sandboxID string, config *runtimeapi.ContainerConfig, pod *runtimeapi.PodSandboxConfig) (string, error) {
	stages, err := r.options.Stages.with(pod.GetAnnotations(), config.GetMetadata().GetName())
	if err != nil {
		return "", err
	}
	if err := r.stage(ctx, stages.Create); err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.sandboxes[sandboxID]
	if !ok || s.stopped {
		return "", status.Errorf(codes.NotFound, "sandbox %s is not running", sandboxID)
	}
	if _, ok := r.images[config.GetImage().GetImage()]; !ok {
		return "", status.Errorf(codes.NotFound, "image %q is not present", config.GetImage().GetImage())
	}
	for _, other := range r.containers {
		if other.sandbox == s && other.config.GetMetadata().GetName() == config.GetMetadata().GetName() &&
			other.config.GetMetadata().GetAttempt() == config.GetMetadata().GetAttempt() {
			return "", fmt.Errorf("container name %q with attempt %d is reserved for %s",
				config.GetMetadata().GetName(), config.GetMetadata().GetAttempt(), other.id)
		}
	}
	c := &container{id: r.id(), sandbox: s, config: config, stages: stages, created: r.clock.Now()}
	r.containers[c.id] = c
	return c.id, nil
}

// StartContainer starts a created container. If its stages say that it ends by itself, it will.
func (r *Runtime) StartContainer(ctx context.Context, id string) error {
	if err := r.up(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	c, ok := r.containers[id]
	r.mu.Unlock()
	if !ok {
		return notFound(id)
	}
	err := r.stage(ctx, c.stages.Start)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case c.state != runtimeapi.ContainerState_CONTAINER_CREATED:
		return fmt.Errorf("container %s is in state %s", id, c.state)
	case r.containers[id] == nil || c.sandbox.stopped:
		return notFound(id)
	case err != nil && ctx.Err() == nil:
		c.started = r.clock.Now()
		r.exit(c, 128, "StartError")
		return err
	case err != nil:
		return err
	}
	c.state, c.started = runtimeapi.ContainerState_CONTAINER_RUNNING, r.clock.Now()
	if c.stages.RunFor > 0 {
		// The clock may call with a lock of its own held, and ends are noticed when somebody looks: this only tells.
		c.end = r.clock.AfterFunc(c.stages.RunFor, func() { go r.tell(c.sandbox.podUID()) })
	}
	return nil
}

// endDue ends the containers whose time is over. The lock is held.
func (r *Runtime) endDue() {
	now := r.clock.Now()
	for _, c := range r.containers {
		if c.end == nil || now.Before(c.started.Add(c.stages.RunFor)) {
			continue
		}
		c.end = nil // it goes on and tells the pod, which need not be the one that looks
		reason := "Completed"
		if c.stages.ExitCode != 0 {
			reason = "Error"
		}
		r.exit(c, c.stages.ExitCode, reason)
		c.finished = c.started.Add(c.stages.RunFor)
	}
}

// StopContainer ends a container at once, or after its Stop delay, but no later than the timeout.
func (r *Runtime) StopContainer(ctx context.Context, id string, timeout int64) error {
	if err := r.up(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	c, ok := r.containers[id]
	running := ok && c.state == runtimeapi.ContainerState_CONTAINER_RUNNING
	r.mu.Unlock()
	if !running {
		return nil
	}
	stage, grace, code := c.stages.Stop, time.Duration(timeout)*time.Second, int32(143)
	if stage.Delay >= grace && stage.Delay > 0 {
		stage.Delay, stage.Jitter, code = grace, 0, 137
	}
	if err := r.stage(ctx, stage); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exit(c, code, "Error")
	return nil
}

// RemoveContainer removes a container, running or not. One that is not there is no error.
func (r *Runtime) RemoveContainer(ctx context.Context, id string) error {
	if err := r.up(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c, ok := r.containers[id]; ok {
		r.exit(c, 137, "Error")
		r.forget(c)
	}
	return nil
}

// UpdateContainerResources gives a running container other limits, of which the next ContainerStatus tells.
func (r *Runtime) UpdateContainerResources(ctx context.Context, id string, resources *runtimeapi.ContainerResources) error {
	if err := r.up(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.containers[id]
	switch {
	case !ok:
		return notFound(id)
	case c.state != runtimeapi.ContainerState_CONTAINER_RUNNING:
		return fmt.Errorf("container %s is in state %s", id, c.state)
	}
	c.resized = resources.GetLinux()
	return nil
}

// resources are the limits that the container has.
func (c *container) resources() *runtimeapi.LinuxContainerResources {
	if c.resized != nil {
		return c.resized
	}
	return c.config.GetLinux().GetResources()
}

// CheckpointContainer implements cri.Containers: there is nothing that could be written.
func (r *Runtime) CheckpointContainer(ctx context.Context, _ *runtimeapi.CheckpointContainerRequest) error {
	if err := r.up(ctx); err != nil {
		return err
	}
	return status.Error(codes.Unimplemented, "a simulated container cannot be checkpointed")
}

// ReopenContainerLog does nothing: simulated containers write no files.
func (r *Runtime) ReopenContainerLog(ctx context.Context, _ string) error { return r.up(ctx) }

// Kill ends a running container by itself, with an exit code and a reason such as Error or OOMKilled.
func (r *Runtime) Kill(id string, exitCode int32, reason string) {
	r.mu.Lock()
	c, ok := r.containers[id]
	if ok {
		r.exit(c, exitCode, reason)
	}
	r.mu.Unlock()
	if ok {
		r.tell(c.sandbox.podUID())
	}
}

// exit ends a container that has not ended yet. The lock is held.
func (r *Runtime) exit(c *container, exitCode int32, reason string) {
	if c.end != nil {
		c.end.Stop()
		c.end = nil
	}
	if c.state == runtimeapi.ContainerState_CONTAINER_EXITED {
		return
	}
	c.state, c.finished, c.exitCode, c.reason = runtimeapi.ContainerState_CONTAINER_EXITED, r.clock.Now(), exitCode, reason
}

// ContainerStatus reads one container.
func (r *Runtime) ContainerStatus(ctx context.Context, id string, _ bool) (*runtimeapi.ContainerStatusResponse, error) {
	if err := r.up(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endDue()
	c, ok := r.containers[id]
	if !ok {
		return nil, notFound(id)
	}
	return &runtimeapi.ContainerStatusResponse{Status: &runtimeapi.ContainerStatus{
		Id: id, Metadata: c.config.GetMetadata(), State: c.state, Labels: c.config.GetLabels(), Annotations: c.config.GetAnnotations(),
		Image: c.config.GetImage(), ImageRef: c.config.GetImage().GetImage(), Mounts: c.config.GetMounts(), LogPath: c.config.GetLogPath(),
		CreatedAt: c.created.UnixNano(), StartedAt: nanoseconds(c.started), FinishedAt: nanoseconds(c.finished),
		ExitCode: c.exitCode, Reason: c.reason, Resources: &runtimeapi.ContainerResources{Linux: c.resources()},
	}}, nil
}

// ListContainers lists the containers which the filter matches.
func (r *Runtime) ListContainers(ctx context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error) {
	if err := r.up(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endDue()
	var found []*runtimeapi.Container
	for _, c := range r.containers {
		if !matches(filter.GetLabelSelector(), c.config.GetLabels()) ||
			filter.GetPodSandboxId() != "" && filter.GetPodSandboxId() != c.sandbox.id ||
			filter.GetState() != nil && filter.GetState().GetState() != c.state {
			continue
		}
		found = append(found, &runtimeapi.Container{
			Id: c.id, PodSandboxId: c.sandbox.id, Metadata: c.config.GetMetadata(), Image: c.config.GetImage(), State: c.state,
			CreatedAt: c.created.UnixNano(), Labels: c.config.GetLabels(), Annotations: c.config.GetAnnotations(),
		})
	}
	return found, nil
}

// ExecSync succeeds in a container that runs, once its probes are meant to.
func (r *Runtime) ExecSync(ctx context.Context, id string, cmd []string, _ time.Duration) (stdout, stderr []byte, err error) {
	if err := r.up(ctx); err != nil {
		return nil, nil, err
	}
	if err := r.answer(id); err != nil {
		return nil, []byte(err.Error()), err
	}
	return fmt.Appendf(nil, "simulated: %q\n", cmd), nil, nil
}

// answer says whether a container would answer now.
func (r *Runtime) answer(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endDue()
	c, ok := r.containers[id]
	switch {
	case r.down != nil:
		return r.down
	case !ok:
		return notFound(id)
	case c.state != runtimeapi.ContainerState_CONTAINER_RUNNING:
		return fmt.Errorf("container %s is not running", id)
	case r.clock.Since(c.started) < c.stages.ReadyAfter:
		return fmt.Errorf("simulated: ready %s after the start", c.stages.ReadyAfter)
	}
	return nil
}

func notFound(id string) error {
	return status.Errorf(codes.NotFound, "container %s does not exist", id)
}

func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
