package simulated

import (
	"context"
	"testing"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// lateClock has timers that fire when the test lets them, later than they are due, as on a busy machine.
type lateClock struct {
	*testingclock.FakeClock
	timers []*lateTimer
}

func (c *lateClock) AfterFunc(_ time.Duration, f func()) clock.Timer {
	t := &lateTimer{f: f}
	c.timers = append(c.timers, t)
	return t
}

func (c *lateClock) fire() {
	for _, t := range c.timers {
		if !t.stopped {
			t.f()
		}
	}
}

type lateTimer struct {
	f       func()
	stopped bool
}

func (t *lateTimer) C() <-chan time.Time      { return nil }
func (t *lateTimer) Reset(time.Duration) bool { return false }
func (t *lateTimer) Stop() bool {
	t.stopped = true
	return true
}

func TestAPodIsToldOfItsEndThoughSomebodyHasSeenIt(t *testing.T) {
	ctx := context.Background()
	late := &lateClock{FakeClock: testingclock.NewFakeClock(time.Unix(0, 0))}
	r := New(Options{Clock: late, Images: []string{"web:1"}})
	told := make(chan string, 1)
	r.Notify(func(uid string) { told <- uid })
	pod := &runtimeapi.PodSandboxConfig{
		Labels: map[string]string{cri.LabelPodUID: "web"}, Annotations: map[string]string{AnnotationPrefix + "run-for": "100ms"},
	}
	sandbox, err := r.RunPodSandbox(ctx, pod, "")
	if err != nil {
		t.Fatal(err)
	}
	container := &runtimeapi.ContainerConfig{Metadata: &runtimeapi.ContainerMetadata{Name: "web"}, Image: &runtimeapi.ImageSpec{Image: "web:1"}}
	id, err := r.CreateContainer(ctx, sandbox, container, pod)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.StartContainer(ctx, id); err != nil {
		t.Fatal(err)
	}
	late.Step(100 * time.Millisecond)
	if _, err := r.ListContainers(ctx, nil); err != nil { // on behalf of another pod
		t.Fatal(err)
	}
	late.fire()
	select {
	case uid := <-told:
		if uid != "web" {
			t.Errorf("pod %q was told of it", uid)
		}
	case <-time.After(10 * time.Second):
		t.Error("nobody was told that the container has ended")
	}
}
