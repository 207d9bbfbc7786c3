package pods

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// kill is what the two halves of a container's end have in common.
type kill struct {
	id, name string
	// grace is what the container was given in all, and left what is left of it.
	grace, left time.Duration
	// message is that of the Killing event; "" means the usual one.
	message string
	// task names the grace in all where it is to stop the container, so that a shorter one is another task.
	task string
	reason
	underWay
}

// Task is its name.
func (k *kill) Task() string { return k.task }

// begin notes that a container's end has begun, and says so once. Its grace only gets shorter.
func (k *kill) begin(a *actor, hooked bool) {
	var begun bool
	a.remember(func(m *Memory) {
		var killing Killing
		if killing, begun = m.Killing[k.id]; !begun {
			killing.Since = a.Clock.Now()
		}
		killing.Grace, killing.Hooked = k.grace, killing.Hooked || hooked
		put(&m.Killing, k.id, killing)
	})
	if begun {
		return
	}
	message := k.message
	if message == "" {
		message = "Stopping container " + k.name
	}
	a.event(k.name, corev1.EventTypeNormal, "Killing", message)
}

// runPreStop runs a container's preStop hook, for as long as its grace lasts.
type runPreStop struct {
	kill
	hook *corev1.LifecycleHandler
}

func (s *runPreStop) Verb() string { return "hook" }
func (s *runPreStop) String() string {
	return fmt.Sprintf("run the preStop hook of container %s for up to %s", s.name, round(s.left))
}

// Do never fails: a container is stopped whatever becomes of its hook.
func (s *runPreStop) Do(ctx context.Context, a *actor) error {
	s.begin(a, false)
	limited, cancel := context.WithTimeout(ctx, s.left)
	defer cancel()
	err := a.Hooks.Run(limited, a.pod(), s.id, s.hook, a.world.podIPs())
	if ctx.Err() != nil {
		return nil // nobody waits for the hook any more
	}
	if err != nil {
		a.event(s.name, corev1.EventTypeWarning, "FailedPreStopHook", "PreStopHook failed")
	}
	s.begin(a, true)
	return nil
}

// stopContainer asks a container to end, and kills it when its grace is over.
type stopContainer struct{ kill }

func (s *stopContainer) Verb() string { return "stop" }
func (s *stopContainer) String() string {
	return fmt.Sprintf("stop container %s with %s of grace", s.name, round(s.left))
}

func (s *stopContainer) Do(ctx context.Context, a *actor) error {
	s.begin(a, true)
	if err := a.Runtime.StopContainer(ctx, s.id, int64(s.left/time.Second)); err != nil {
		return fmt.Errorf("stopping container %s of pod %s: %w", s.name, nameOf(a.pod()), err)
	}
	return nil
}

// removeContainer removes a container that does not run.
type removeContainer struct {
	id, name string
	reason
}

func (s *removeContainer) Verb() string { return "remove" }
func (s *removeContainer) String() string {
	return fmt.Sprintf("remove instance %s of container %s", short(s.id), s.name)
}

func (s *removeContainer) Do(ctx context.Context, a *actor) error {
	if err := a.Runtime.RemoveContainer(ctx, s.id); err != nil {
		return fmt.Errorf("removing container %s of pod %s: %w", s.id, nameOf(a.pod()), err)
	}
	return nil
}
