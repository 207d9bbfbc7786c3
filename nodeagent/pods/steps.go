package pods

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/restart"
)

// Step is one thing to do. Why says in a sentence what and for what reason.
type Step interface {
	Why() string
	do(ctx context.Context, a *actor) error
}

// Prepare makes or refreshes what the pod needs on the node: directories, volumes, cgroups.
type Prepare struct{ why string }

// CreateSandbox makes the pod's sandbox.
type CreateSandbox struct {
	Attempt uint32
	why     string
}

// StopSandbox stops a sandbox; its address is free again.
type StopSandbox struct{ ID, why string }

// RemoveSandbox removes a sandbox and its containers.
type RemoveSandbox struct{ ID, why string }

// StartContainer gets the image, makes the container, starts it and runs its postStart hook.
type StartContainer struct {
	Container *corev1.Container
	SandboxID string
	Restarts  int32
	// BackOff is to be remembered once the start was tried.
	BackOff restart.BackOff
	why     string
}

// StopContainers runs preStop hooks and stops containers, all at the same time.
type StopContainers struct {
	Containers []Stop
	// Sidecars says that these are stopped after the others.
	Sidecars bool
}

// Stop is one container to stop.
type Stop struct {
	ID, Name string
	Grace    time.Duration
	// Message is that of the Killing event; "" means the usual one.
	Message string
	PreStop *corev1.LifecycleHandler
}

// RemoveContainer removes a container that does not run.
type RemoveContainer struct{ ID, why string }

// CleanUp takes away what Prepare made.
type CleanUp struct{ why string }

// DeletePod writes the last status and removes the object from the API server.
type DeletePod struct{ why string }

// Why returns the reason.
func (s *Prepare) Why() string { return s.why }

// Why returns the reason.
func (s *CreateSandbox) Why() string { return s.why }

// Why returns the reason.
func (s *StopSandbox) Why() string { return s.why }

// Why returns the reason.
func (s *RemoveSandbox) Why() string { return s.why }

// Why returns the reason.
func (s *StartContainer) Why() string { return s.why }

// Why returns the reason.
func (s *RemoveContainer) Why() string { return s.why }

// Why returns the reason.
func (s *CleanUp) Why() string { return s.why }

// Why returns the reason.
func (s *DeletePod) Why() string { return s.why }

// Why returns the reason.
func (s *StopContainers) Why() string {
	names := make([]string, 0, len(s.Containers))
	for _, c := range s.Containers {
		name := fmt.Sprintf("%s with %s of grace", c.Name, c.Grace)
		if c.Message != "" {
			name += " (" + c.Message + ")"
		}
		names = append(names, name)
	}
	kind := "stop "
	if s.Sidecars {
		kind = "stop the sidecar "
	}
	return kind + strings.Join(names, ", ")
}
