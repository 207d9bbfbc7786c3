package pods

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/restart"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// actor does the steps of one pass about one pod.
type actor struct {
	*Options
	world *World
	// remember changes the memory of the pod.
	remember func(func(*Memory))
	statuses *statuses
	clock    clock.WithDelayedExecution
	starting func() (context.Context, func())
}

func (a *actor) pod() *corev1.Pod { return a.world.Pod }

func (a *actor) event(container, kind, reason, message string) {
	if a.Event != nil && !a.world.Orphan {
		a.Event(a.pod(), container, kind, reason, message)
	}
}

func (s *Prepare) do(ctx context.Context, a *actor) error {
	if err := a.Host.Prepare(ctx, a.pod(), a.world.podIPs()); err != nil {
		a.event("", corev1.EventTypeWarning, "FailedMount", fmt.Sprintf("Unable to attach or mount volumes: %v", err))
		return fmt.Errorf("preparing pod %s: %w", name(a.pod()), err)
	}
	a.remember(func(m *Memory) { m.Prepared = a.clock.Now() })
	return nil
}

func (s *CreateSandbox) do(ctx context.Context, a *actor) error {
	config, handler, err := a.Host.Sandbox(ctx, a.pod())
	if err != nil {
		a.event("", corev1.EventTypeWarning, "FailedCreatePodSandBox", fmt.Sprintf("Failed to create pod sandbox: %v", err))
		return fmt.Errorf("configuring the sandbox of pod %s: %w", name(a.pod()), err)
	}
	config.Metadata.Attempt = s.Attempt
	config.Labels[cri.LabelAgent] = a.Agent
	if _, err := a.Runtime.RunPodSandbox(ctx, config, handler); err != nil {
		a.event("", corev1.EventTypeWarning, "FailedCreatePodSandBox", fmt.Sprintf("Failed to create pod sandbox: %v", err))
		return fmt.Errorf("creating the sandbox of pod %s: %w", name(a.pod()), err)
	}
	return nil
}

func (s *StopSandbox) do(ctx context.Context, a *actor) error {
	if err := a.Runtime.StopPodSandbox(ctx, s.ID); err != nil {
		a.event("", corev1.EventTypeWarning, "FailedKillPod", fmt.Sprintf("error killing pod: %v", err))
		return fmt.Errorf("stopping sandbox %s of pod %s: %w", s.ID, name(a.pod()), err)
	}
	return nil
}

func (s *RemoveSandbox) do(ctx context.Context, a *actor) error {
	// A sandbox is stopped once more: one that is not ready may still hold a network.
	if err := a.Runtime.StopPodSandbox(ctx, s.ID); err != nil {
		return fmt.Errorf("stopping sandbox %s of pod %s: %w", s.ID, name(a.pod()), err)
	}
	if err := a.Runtime.RemovePodSandbox(ctx, s.ID); err != nil {
		return fmt.Errorf("removing sandbox %s of pod %s: %w", s.ID, name(a.pod()), err)
	}
	return nil
}

func (s *RemoveContainer) do(ctx context.Context, a *actor) error {
	if err := a.Runtime.RemoveContainer(ctx, s.ID); err != nil {
		return fmt.Errorf("removing container %s of pod %s: %w", s.ID, name(a.pod()), err)
	}
	return nil
}

func (s *CleanUp) do(ctx context.Context, a *actor) error {
	if err := a.Host.CleanUp(ctx, a.pod()); err != nil {
		return fmt.Errorf("cleaning up after pod %s: %w", name(a.pod()), err)
	}
	a.remember(func(m *Memory) { m.Cleaned = true })
	return nil
}

func (s *DeletePod) do(ctx context.Context, a *actor) error {
	if err := a.statuses.flush(ctx, a.pod().UID); err != nil {
		return fmt.Errorf("writing the last status of pod %s: %w", name(a.pod()), err)
	}
	if err := a.API.Delete(ctx, a.pod()); err != nil {
		return fmt.Errorf("removing pod %s: %w", name(a.pod()), err)
	}
	a.remember(func(m *Memory) { m.Deleted = true })
	return nil
}

func (s *StopContainers) do(ctx context.Context, a *actor) error {
	var group errgroup.Group
	for _, stop := range s.Containers {
		group.Go(func() error { return stop.do(ctx, a) })
	}
	return group.Wait()
}

func (s Stop) do(ctx context.Context, a *actor) error {
	message := s.Message
	if message == "" {
		message = "Stopping container " + s.Name
	}
	a.event(s.Name, corev1.EventTypeNormal, "Killing", message)
	grace := s.Grace
	if s.PreStop != nil {
		begun := a.clock.Now()
		hook, cancel := context.WithTimeout(ctx, grace)
		err := a.Hooks.Run(hook, a.pod(), s.ID, s.PreStop, a.world.podIPs())
		cancel()
		if err != nil {
			a.event(s.Name, corev1.EventTypeWarning, "FailedPreStopHook", "PreStopHook failed")
		}
		grace = max(grace-a.clock.Now().Sub(begun), minimumGrace)
	}
	if err := a.Runtime.StopContainer(ctx, s.ID, int64(grace/time.Second)); err != nil {
		return fmt.Errorf("stopping container %s of pod %s: %w", s.Name, name(a.pod()), err)
	}
	return nil
}

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

// do never fails the pass: the reason is remembered and shown, and the pod's other containers are started all the same.
func (s *StartContainer) do(ctx context.Context, a *actor) error {
	starting, done := a.starting()
	defer done()
	err := s.start(starting, a)
	if starting.Err() != nil {
		return nil // the pod was asked to stop meanwhile
	}
	var why *startError
	if err != nil && !errors.As(err, &why) {
		why = failed("RunContainerError", err)
	}
	a.remember(func(m *Memory) {
		if why == nil {
			delete(m.Starts, s.Container.Name)
		} else {
			put(&m.Starts, s.Container.Name, StartFailure{Waiting: why.Waiting, At: a.clock.Now()})
		}
		if s.BackOff != (restart.BackOff{}) && (why == nil || why.Reason == "RunContainerError" || why.Reason == "PostStartHookError") {
			put(&m.Crashes, s.Container.Name, s.BackOff)
		}
	})
	return nil
}

func put[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}

func name(pod *corev1.Pod) string { return pod.Namespace + "/" + pod.Name }
