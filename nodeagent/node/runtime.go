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
	ListPodSandbox(ctx context.Context, filter *runtimeapi.PodSandboxFilter) ([]*runtimeapi.PodSandbox, error)
	ListImages(ctx context.Context, filter *runtimeapi.ImageFilter) ([]*runtimeapi.Image, error)
}

const (
	// maxWaitForContainerRuntime is how long a runtime counts as it was when it told its status last; the kubelet's figure. A runtime
	// that is started anew, or is slow under load, does not make its node not ready.
	maxWaitForContainerRuntime = 30 * time.Second
	// relistThreshold is how long a runtime may be unable to list its pods; the kubelet's figure.
	relistThreshold = 3 * time.Minute
	// checkPatience is how long an update waits for answers; the updates after it tell what comes later.
	checkPatience = 5 * time.Second
)

// runtimeState is what the container runtime said last. The zero value knows nothing.
type runtimeState struct {
	checks sync.WaitGroup

	mu sync.Mutex
	// Each question is asked by itself: a runtime may answer one and not the other.
	statusCheck, versionCheck, podsCheck, imagesCheck check

	status  *runtimeapi.RuntimeStatus
	version string
	images  []*runtimeapi.Image
	// response is the answer with the status, which says as well what the runtime can do.
	response *runtimeapi.StatusResponse
}

// check is one question to the runtime.
type check struct {
	underWay bool
	// synced is when the last answer came; until there was one, when it was asked for first.
	synced   time.Time
	answered bool
	// err is why the last check that ended brought no answer; nil if it did.
	err error
}

// updateRuntimeUp asks the runtime all that it does not still owe an answer to, and returns when it has answered that or when
// patience is over. It is called by one goroutine at a time.
func (s *runtimeState) updateRuntimeUp(ctx context.Context, runtime Runtime, clock clock.Clock) {
	var started sync.WaitGroup
	s.start(&started, clock, &s.statusCheck, func() (func(), error) {
		response, err := runtime.Status(ctx, false)
		if err == nil && response.GetStatus() == nil {
			err = errors.New("it says nothing about its status")
		}
		return func() { s.status, s.response = response.GetStatus(), response }, err
	})
	s.start(&started, clock, &s.versionCheck, func() (func(), error) {
		version, err := runtime.Version(ctx, "v1")
		return func() { s.version = version.GetRuntimeName() + "://" + version.GetRuntimeVersion() }, err
	})
	s.start(&started, clock, &s.podsCheck, func() (func(), error) {
		_, err := runtime.ListPodSandbox(ctx, nil)
		return func() {}, err
	})
	s.start(&started, clock, &s.imagesCheck, func() (func(), error) {
		images, err := runtime.ListImages(ctx, nil)
		return func() { s.images = images }, err
	})
	s.await(ctx, &started, clock)
}

// start asks a question on a goroutine of its own, unless it is under way. What ask returns keeps the answer, with the lock held.
func (s *runtimeState) start(started *sync.WaitGroup, clock clock.Clock, c *check, ask func() (keep func(), err error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.underWay {
		return
	}
	c.underWay = true
	if c.synced.IsZero() {
		c.synced = clock.Now()
	}
	started.Add(1)
	s.checks.Go(func() {
		defer started.Done()
		keep, err := ask()
		s.mu.Lock()
		defer s.mu.Unlock()
		c.underWay, c.err = false, err
		if err == nil {
			c.answered, c.synced = true, clock.Now()
			keep()
		}
	})
}

func (s *runtimeState) await(ctx context.Context, started *sync.WaitGroup, clock clock.Clock) {
	answered := make(chan struct{})
	s.checks.Go(func() {
		started.Wait()
		close(answered)
	})
	timer := clock.NewTimer(checkPatience)
	defer timer.Stop()
	select {
	case <-answered:
	case <-timer.C():
	case <-ctx.Done():
	}
}

// fill adds what is known of the runtime now.
func (s *runtimeState) fill(o *Observed, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.Runtime, o.Images, o.Info.ContainerRuntimeVersion = s.status, s.images, s.version
	o.Handlers, o.Features = s.response.GetRuntimeHandlers(), s.response.GetFeatures()
	switch {
	case !s.statusCheck.answered && s.statusCheck.err == nil:
		o.RuntimeErrors = append(o.RuntimeErrors, errors.New("container runtime status check may not have completed yet"))
	case !s.statusCheck.answered, s.statusCheck.silent(now, maxWaitForContainerRuntime):
		o.RuntimeErrors = append(o.RuntimeErrors, s.statusCheck.explain("container runtime is down", "no answer"))
	}
	if s.podsCheck.silent(now, relistThreshold) {
		o.RuntimeErrors = append(o.RuntimeErrors, s.podsCheck.explain("PLEG is not healthy", "the container runtime has not listed its pods"))
	}
}

// silent says whether there was no answer for so long.
func (c *check) silent(now time.Time, limit time.Duration) bool { return now.Sub(c.synced) >= limit }

// explain is in words that stay the same for as long as the runtime is silent: each change of them is written to the API server.
func (c *check) explain(what, missing string) error {
	since := c.synced.UTC().Format(time.RFC3339)
	if c.err == nil {
		return fmt.Errorf("%s: %s since %s", what, missing, since)
	}
	return fmt.Errorf("%s: %s since %s: %w", what, missing, since, c.err)
}
