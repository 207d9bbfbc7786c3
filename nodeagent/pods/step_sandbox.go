package pods

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// prepare makes or refreshes what the pod needs on the node: directories, volumes, cgroups.
type prepare struct {
	reason
	underWay
}

const prepareTask = "prepare the volumes"

func (s *prepare) Verb() string   { return "prepare" }
func (s *prepare) String() string { return "prepare directories and volumes" }
func (s *prepare) Task() string   { return prepareTask }

func (s *prepare) Do(ctx context.Context, a *actor) error {
	a.remember(func(m *Memory) { m.Stale = false }) // what changes from now on may be missed by this one
	if err := a.Host.Prepare(ctx, a.pod(), a.world.group(), a.world.podIPs()); err != nil {
		a.remember(func(m *Memory) { m.Stale = !m.Prepared.IsZero() })
		if ctx.Err() == nil {
			a.event("", corev1.EventTypeWarning, "FailedMount", fmt.Sprintf("Unable to attach or mount volumes: %v", err))
		}
		return fmt.Errorf("preparing pod %s: %w", nameOf(a.pod()), err)
	}
	a.remember(func(m *Memory) { m.Prepared = a.Clock.Now() })
	return nil
}

// createSandbox has what the pod claims of resources prepared, and makes its sandbox.
type createSandbox struct {
	attempt uint32
	reason
	underWay
}

const sandboxTask = "create the sandbox"

func (s *createSandbox) Verb() string   { return "create" }
func (s *createSandbox) String() string { return fmt.Sprintf("create sandbox %d", s.attempt) }
func (s *createSandbox) Task() string   { return sandboxTask }

func (s *createSandbox) Do(ctx context.Context, a *actor) error {
	if err := a.Host.PrepareClaims(ctx, a.pod()); err != nil {
		if ctx.Err() == nil {
			a.event("", corev1.EventTypeWarning, "FailedPrepareDynamicResources", fmt.Sprintf("Failed to prepare dynamic resources: %v", err))
		}
		return fmt.Errorf("preparing the claims of pod %s: %w", nameOf(a.pod()), err)
	}
	err := s.create(ctx, a)
	if err != nil && ctx.Err() == nil {
		a.event("", corev1.EventTypeWarning, "FailedCreatePodSandBox", fmt.Sprintf("Failed to create pod sandbox: %v", err))
	}
	if err != nil {
		return fmt.Errorf("creating the sandbox of pod %s: %w", nameOf(a.pod()), err)
	}
	return nil
}

func (s *createSandbox) create(ctx context.Context, a *actor) error {
	config, err := a.Host.Sandbox(ctx, a.pod())
	if err != nil {
		return err
	}
	handler, err := a.Host.RuntimeHandler(ctx, a.pod())
	if err != nil {
		return err
	}
	if err := a.ownUsers(ctx, handler); err != nil {
		return err
	}
	config.Metadata.Attempt = s.attempt
	config.Labels[cri.LabelAgent] = a.Agent
	_, err = a.Runtime.RunPodSandbox(ctx, config, handler)
	return err
}

// stopSandbox stops a sandbox; its address is free again.
type stopSandbox struct {
	id string
	reason
}

func (s *stopSandbox) Verb() string   { return "stop" }
func (s *stopSandbox) String() string { return "stop sandbox " + short(s.id) }

func (s *stopSandbox) Do(ctx context.Context, a *actor) error {
	if err := a.Runtime.StopPodSandbox(ctx, s.id); err != nil {
		a.event("", corev1.EventTypeWarning, "FailedKillPod", fmt.Sprintf("error killing pod: %v", err))
		return fmt.Errorf("stopping sandbox %s of pod %s: %w", s.id, nameOf(a.pod()), err)
	}
	return nil
}

// removeSandbox removes a sandbox and its containers.
type removeSandbox struct {
	id string
	reason
}

func (s *removeSandbox) Verb() string   { return "remove" }
func (s *removeSandbox) String() string { return "remove sandbox " + short(s.id) }

// Do stops the sandbox once more: one that is not ready may still hold a network.
func (s *removeSandbox) Do(ctx context.Context, a *actor) error {
	if err := a.Runtime.StopPodSandbox(ctx, s.id); err != nil {
		return fmt.Errorf("stopping sandbox %s of pod %s: %w", s.id, nameOf(a.pod()), err)
	}
	if err := a.Runtime.RemovePodSandbox(ctx, s.id); err != nil {
		return fmt.Errorf("removing sandbox %s of pod %s: %w", s.id, nameOf(a.pod()), err)
	}
	return nil
}

// retryBusy is the wait for what the runtime still uses, though nothing of the pod runs any more: the remains of a sandbox that was
// being made when the pod was deleted.
const retryBusy = time.Second

// cleanUp takes away what prepare made.
type cleanUp struct{ reason }

func (s *cleanUp) Verb() string   { return "clean" }
func (s *cleanUp) String() string { return "clean up volumes and directories" }

func (s *cleanUp) Do(ctx context.Context, a *actor) error {
	if err := a.Host.CleanUp(ctx, a.pod()); err != nil {
		err = fmt.Errorf("cleaning up after pod %s: %w", nameOf(a.pod()), err)
		if errors.Is(err, syscall.EBUSY) {
			return engine.Wait(retryBusy, err)
		}
		return err
	}
	a.remember(func(m *Memory) { m.Cleaned = true })
	a.wakePending()
	return nil
}
