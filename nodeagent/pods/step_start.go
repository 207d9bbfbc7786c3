package pods

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/restart"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// startContainer gets the image, makes the container, starts it and runs its postStart hook.
type startContainer struct {
	container *corev1.Container
	sandboxID string
	restarts  int32
	// backOff is to be remembered once the start was tried.
	backOff restart.BackOff
	reason
	underWay
}

// startTask begins the names of tasks that start a container.
const startTask = "start container "

func (s *startContainer) Verb() string   { return "start" }
func (s *startContainer) String() string { return startTask + s.container.Name }
func (s *startContainer) Task() string   { return startTask + s.container.Name }

// startError is why a container did not start; it ends up in the container's status.
type startError struct {
	status.Waiting
	err error
}

func (e *startError) Error() string { return e.Reason + ": " + e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

func failed(reason string, err error) *startError {
	return &startError{Waiting: status.Waiting{Reason: reason, Message: err.Error()}, err: err}
}

// Do never fails: why a container did not start is remembered, and the plan says when that is tried again. A start that is
// called off leaves what it has made to the plan that called it off.
func (s *startContainer) Do(ctx context.Context, a *actor) error {
	err := s.start(ctx, a)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it was called off, and nobody waits for it any more
	}
	var why *startError
	if err != nil && !errors.As(err, &why) {
		why = failed("RunContainerError", err)
	}
	a.remember(func(m *Memory) {
		if why == nil {
			delete(m.Starts, s.container.Name)
		} else {
			put(&m.Starts, s.container.Name, StartFailure{Waiting: why.Waiting, At: a.Clock.Now()})
		}
		if s.backOff != (restart.BackOff{}) && (why == nil || why.Reason == "RunContainerError" || why.Reason == "PostStartHookError") {
			put(&m.Crashes, s.container.Name, s.backOff)
		}
	})
	return nil
}

func (s *startContainer) start(ctx context.Context, a *actor) error {
	sandbox, err := a.Host.Sandbox(ctx, a.pod())
	if err != nil {
		return s.refuse(ctx, a, failed("CreateContainerConfigError", err))
	}
	image, mounted, err := s.images(ctx, a, sandbox)
	if err != nil {
		return err
	}
	target, err := s.target(a.world)
	var features *runtimeapi.RuntimeHandlerFeatures
	if err == nil {
		features, err = a.features(ctx, s.container)
	}
	if err != nil {
		return s.refuse(ctx, a, failed("CreateContainerConfigError", err))
	}
	config, err := a.Host.Container(ctx, a.pod(), s.container, ContainerOf{
		Restarts: s.restarts, Image: image.reference, User: image.user, VolumeImages: mounted, Features: features, IPs: a.world.podIPs(), Target: target,
	})
	if err != nil {
		return s.refuse(ctx, a, failed("CreateContainerConfigError", err))
	}
	config.Labels[cri.LabelAgent] = a.Agent
	id, err := a.Runtime.CreateContainer(ctx, s.sandboxID, config, sandbox)
	if err != nil {
		return s.refuse(ctx, a, failed("CreateContainerError", err))
	}
	a.event(s.container.Name, corev1.EventTypeNormal, "Created", "Container created")
	if err := a.Runtime.StartContainer(ctx, id); err != nil {
		return s.refuse(ctx, a, failed("RunContainerError", err))
	}
	a.event(s.container.Name, corev1.EventTypeNormal, "Started", "Container started")
	return s.postStart(ctx, a, id)
}

// target is the ID of the container that an ephemeral container is to look into; "" if it names none.
func (s *startContainer) target(w *World) (string, error) {
	for i := range w.Pod.Spec.EphemeralContainers {
		spec := &w.Pod.Spec.EphemeralContainers[i]
		if spec.Name != s.container.Name || spec.TargetContainerName == "" {
			continue
		}
		if found := w.Runtime.LatestIn(s.sandboxID, spec.TargetContainerName); found != nil && found.Running() {
			return found.ID, nil
		}
		return "", fmt.Errorf("unable to find target container %s", spec.TargetContainerName)
	}
	return "", nil
}

// warn records an event, unless nobody wants the start any more.
func (s *startContainer) warn(ctx context.Context, a *actor, reason, message string) {
	if ctx.Err() == nil {
		a.event(s.container.Name, corev1.EventTypeWarning, reason, message)
	}
}

// refuse records the error as an event.
func (s *startContainer) refuse(ctx context.Context, a *actor, why *startError) error {
	s.warn(ctx, a, "Failed", "Error: "+why.Message)
	return why
}

// postStart runs the hook; a container whose hook fails is stopped.
func (s *startContainer) postStart(ctx context.Context, a *actor, id string) error {
	if s.container.Lifecycle == nil || s.container.Lifecycle.PostStart == nil {
		return nil
	}
	err := a.Hooks.Run(ctx, a.pod(), id, s.container.Lifecycle.PostStart, a.world.podIPs())
	if err == nil || ctx.Err() != nil {
		return err
	}
	s.warn(ctx, a, "FailedPostStartHook", "PostStartHook failed")
	grace := a.world.grace()
	stop := stopContainer{kill{id: id, name: s.container.Name, grace: grace, left: max(grace, minimumGrace), message: "FailedPostStartHook"}}
	return failed("PostStartHookError", errors.Join(err, stop.Do(ctx, a)))
}
