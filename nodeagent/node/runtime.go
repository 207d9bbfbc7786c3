package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/clock"
)

// Runtime is what a node asks of its container runtime. Each call ends when its context does.
type Runtime interface {
	Version(ctx context.Context, apiVersion string) (*runtimeapi.VersionResponse, error)
	Status(ctx context.Context, verbose bool) (*runtimeapi.StatusResponse, error)
	ListImages(ctx context.Context, filter *runtimeapi.ImageFilter) ([]*runtimeapi.Image, error)
}

const (
	// maxWaitForContainerRuntime is how long a runtime counts as it was when it answered last; the kubelet's figure. A runtime that
	// is started anew, or is slow under load, does not make its node not ready.
	maxWaitForContainerRuntime = 30 * time.Second
	// checkPatience is how long an update waits for the answer; the one after it tells what comes later.
	checkPatience = 5 * time.Second
)

// runtimeState is what the container runtime said last. The zero value knows nothing.
type runtimeState struct {
	checks sync.WaitGroup

	mu       sync.Mutex
	checking bool
	status   *runtimeapi.RuntimeStatus
	version  string
	images   []*runtimeapi.Image
	synced   time.Time // when status came
	err      error     // why the last check brought none
}

// updateRuntimeUp asks the runtime, unless it still owes an answer, and returns when it has answered or when patience is over. It is
// called by one goroutine at a time.
func (s *runtimeState) updateRuntimeUp(ctx context.Context, runtime Runtime, clock clock.Clock) {
	s.mu.Lock()
	checking := s.checking
	s.checking = true
	s.mu.Unlock()
	if checking {
		return
	}
	answered := make(chan struct{})
	s.checks.Go(func() {
		defer close(answered)
		s.check(ctx, runtime, clock)
	})
	timer := clock.NewTimer(checkPatience)
	defer timer.Stop()
	select {
	case <-answered:
	case <-timer.C():
	case <-ctx.Done():
	}
}

// check asks for what lists more only where the runtime answers at all, and keeps what it said before where that fails.
func (s *runtimeState) check(ctx context.Context, runtime Runtime, clock clock.Clock) {
	response, err := runtime.Status(ctx, false)
	if err == nil && response.GetStatus() == nil {
		err = errors.New("it says nothing about its status")
	}
	s.change(func() {
		if s.err = err; err == nil {
			s.status, s.synced = response.GetStatus(), clock.Now()
		}
	})
	if err == nil {
		if version, err := runtime.Version(ctx, "v1"); err == nil {
			s.change(func() { s.version = version.RuntimeName + "://" + version.RuntimeVersion })
		}
		if images, err := runtime.ListImages(ctx, nil); err == nil {
			s.change(func() { s.images = images })
		}
	}
	s.change(func() { s.checking = false })
}

func (s *runtimeState) change(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// fill adds what is known of the runtime now.
func (s *runtimeState) fill(o *Observed, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.Runtime, o.Images, o.Info.ContainerRuntimeVersion = s.status, s.images, s.version
	silent := now.Sub(s.synced) >= maxWaitForContainerRuntime
	switch {
	case s.synced.IsZero() && s.err == nil:
		o.RuntimeError = errors.New("container runtime status check may not have completed yet")
	case s.synced.IsZero():
		o.RuntimeError = fmt.Errorf("container runtime is down: %w", s.err)
	case silent && s.err == nil:
		o.RuntimeError = fmt.Errorf("container runtime is down: no answer since %s", s.synced.UTC().Format(time.RFC3339))
	case silent:
		o.RuntimeError = fmt.Errorf("container runtime is down: no answer since %s: %w", s.synced.UTC().Format(time.RFC3339), s.err)
	}
}
