package cri_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

// calls are all calls of a runtime, and how long one that does not answer may take for them.
var calls = []struct {
	name  string
	limit time.Duration
	call  func(context.Context, cri.Runtime) error
}{
	{"Version", 10 * time.Second, func(ctx context.Context, r cri.Runtime) error { _, err := r.Version(ctx, "v1"); return err }},
	{"Status", 10 * time.Second, func(ctx context.Context, r cri.Runtime) error { _, err := r.Status(ctx, false); return err }},
	{"RunPodSandbox", 4 * time.Minute, func(ctx context.Context, r cri.Runtime) error { _, err := r.RunPodSandbox(ctx, nil, ""); return err }},
	{"StopPodSandbox", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error { return r.StopPodSandbox(ctx, "s") }},
	{"RemovePodSandbox", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error { return r.RemovePodSandbox(ctx, "s") }},
	{"PodSandboxStatus", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error {
		_, err := r.PodSandboxStatus(ctx, "s", false)
		return err
	}},
	{"ListPodSandbox", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error { _, err := r.ListPodSandbox(ctx, nil); return err }},
	{"CreateContainer", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error {
		_, err := r.CreateContainer(ctx, "s", nil, nil)
		return err
	}},
	{"StartContainer", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error { return r.StartContainer(ctx, "c") }},
	{"StopContainer", 2*time.Minute + 30*time.Second, func(ctx context.Context, r cri.Runtime) error { return r.StopContainer(ctx, "c", 30) }},
	{"ListContainerStats", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error { _, err := r.ListContainerStats(ctx, nil); return err }},
	{"ReopenContainerLog", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error { return r.ReopenContainerLog(ctx, "c") }},
	{"CheckpointContainer", 2*time.Minute + 30*time.Second, func(ctx context.Context, r cri.Runtime) error {
		return r.CheckpointContainer(ctx, &runtimeapi.CheckpointContainerRequest{Timeout: 30})
	}},
	{"UpdateContainerResources", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error {
		return r.UpdateContainerResources(ctx, "c", nil)
	}},
	{"RemoveContainer", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error { return r.RemoveContainer(ctx, "c") }},
	{"ContainerStatus", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error {
		_, err := r.ContainerStatus(ctx, "c", false)
		return err
	}},
	{"ListContainers", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error { _, err := r.ListContainers(ctx, nil); return err }},
	{"ExecSync", 2*time.Minute + time.Second, func(ctx context.Context, r cri.Runtime) error {
		_, _, err := r.ExecSync(ctx, "c", nil, time.Second)
		return err
	}},
	{"ListImages", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error { _, err := r.ListImages(ctx, nil); return err }},
	{"RemoveImage", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error { return r.RemoveImage(ctx, nil) }},
	{"ImageFsInfo", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error { _, err := r.ImageFsInfo(ctx); return err }},
	{"ImageStatus", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error { _, err := r.ImageStatus(ctx, nil, false); return err }},
	{"PullImage", 2 * time.Hour, func(ctx context.Context, r cri.Runtime) error { _, err := r.PullImage(ctx, nil, nil, nil); return err }},
	{"Exec", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error { _, err := r.Exec(ctx, nil); return err }},
	{"Attach", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error { _, err := r.Attach(ctx, nil); return err }},
	{"PortForward", 2 * time.Minute, func(ctx context.Context, r cri.Runtime) error { _, err := r.PortForward(ctx, nil); return err }},
}

// whole are the calls that are let end for a while when nobody waits for them any more.
var whole = []string{"RunPodSandbox", "CreateContainer", "StartContainer"}

func TestEveryCallOfARuntimeThatHangsEnds(t *testing.T) {
	known := []string{"Name"} // which asks nobody
	for _, test := range calls {
		known = append(known, test.name)
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hung := simulated.New(simulated.Options{})
				hung.Hang()
				runtime := cri.WithDeadlines(hung, cri.DefaultDeadlines())
				began := time.Now()
				err := test.call(t.Context(), runtime)
				if took := time.Since(began); took != test.limit || !errors.Is(err, context.DeadlineExceeded) ||
					!strings.Contains(err.Error(), "the container runtime did not answer within "+test.limit.String()) {
					t.Errorf("after %s it ended with %v, want it to end after %s and say so", took, err, test.limit)
				}

				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began = time.Now()
				if err := test.call(ctx, runtime); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "did not answer") {
					t.Errorf("a caller that waits no longer got %v", err)
				}
				want := time.Second
				if slices.Contains(whole, test.name) {
					want = 11 * time.Second
				}
				if took := time.Since(began); took != want {
					t.Errorf("a caller that waits for a second got its answer after %s, want %s", took, want)
				}
			})
		})
	}
	for method := range reflect.TypeFor[cri.Runtime]().Methods() {
		if !slices.Contains(known, method.Name) {
			t.Errorf("nothing is known about how long %s may take", method.Name)
		}
	}
}

// slow takes a second to start a container, and leaves a half of it behind where it is interrupted.
type slow struct {
	cri.Runtime
	started, halves int
}

func (s *slow) StartContainer(ctx context.Context, _ string) error {
	select {
	case <-time.After(time.Second):
		s.started++
		return nil
	case <-ctx.Done():
		s.halves++
		return ctx.Err()
	}
}

func TestWhatARuntimeMakesIsMadeWholeOrNotAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := &slow{}
		bounded := cri.WithDeadlines(rt, cri.DefaultDeadlines())
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := bounded.StartContainer(ctx, "c"); err != nil || rt.started != 1 || rt.halves != 0 {
			t.Errorf("one that was called off is started %d times, and %d times by half (%v)", rt.started, rt.halves, err)
		}
		if err := bounded.StartContainer(ctx, "c"); !errors.Is(err, context.DeadlineExceeded) || rt.started != 1 || rt.halves != 0 {
			t.Errorf("one that was called off before is started %d times, and %d times by half (%v)", rt.started-1, rt.halves, err)
		}
	})
}

func TestACommandWithoutALimitRunsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := simulated.New(simulated.Options{})
		answer := hung.Hang()
		time.AfterFunc(100*time.Hour, answer)
		began := time.Now()
		_, _, err := cri.WithDeadlines(hung, cri.DefaultDeadlines()).ExecSync(t.Context(), "no such container", nil, 0)
		if took := time.Since(began); took != 100*time.Hour || err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %s it ended with %v", took, err)
		}
	})
}

func TestDeadlinesHideNothingOfARuntime(t *testing.T) {
	rt := simulated.New(simulated.Options{})
	for _, test := range []struct {
		name            string
		runtime         cri.Runtime
		notifies, reads bool
	}{
		{"all", rt, true, true},
		{"no logs", struct {
			cri.Runtime
			cri.Notifier
		}{rt, rt}, true, false},
		{"no notifications", struct {
			cri.Runtime
			cri.LogReader
		}{rt, rt}, false, true},
		{"neither", struct{ cri.Runtime }{rt}, false, false},
	} {
		runtime := cri.WithDeadlines(test.runtime, cri.DefaultDeadlines())
		_, notifies := runtime.(cri.Notifier)
		_, reads := runtime.(cri.LogReader)
		if notifies != test.notifies || reads != test.reads || runtime.Name() != "simulated" {
			t.Errorf("a runtime with %s notifies: %t, and reads logs: %t", test.name, notifies, reads)
		}
		version, err := runtime.Version(t.Context(), "v1")
		if err != nil || version.RuntimeName != "simulated" {
			t.Errorf("a runtime with %s says of itself %v (%v)", test.name, version, err)
		}
	}
	if answer, err := cri.WithDeadlines(rt, cri.DefaultDeadlines()).ListImages(t.Context(), &runtimeapi.ImageFilter{}); err != nil || len(answer) != 0 {
		t.Errorf("the images are %v (%v)", answer, err)
	}
}

// talkative logs each call that it is given up on, as the published client does.
type talkative struct{ cri.Runtime }

func (talkative) StartContainer(ctx context.Context, _ string) error {
	klog.FromContext(ctx).Error(ctx.Err(), "StartContainer from runtime service failed")
	return ctx.Err()
}

func TestACallThatIsGivenUpOnIsNotLogged(t *testing.T) {
	log := funcr.New(func(_, args string) { t.Errorf("it was logged: %s", args) }, funcr.Options{})
	ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), log))
	cancel()
	if err := cri.WithDeadlines(talkative{}, cri.DefaultDeadlines()).StartContainer(ctx, "c"); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
