package cri

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// registry takes a second for each pull, and remembers how many were under way at most.
type registry struct {
	Runtime
	mu            sync.Mutex
	current, most int
}

func (r *registry) PullImage(ctx context.Context, image *runtimeapi.ImageSpec, _ *runtimeapi.AuthConfig, _ *runtimeapi.PodSandboxConfig) (string, error) {
	r.mu.Lock()
	r.current++
	r.most = max(r.most, r.current)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.current--
		r.mu.Unlock()
	}()
	select {
	case <-time.After(time.Second):
		return image.Image, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func TestPullsWaitForTheirTurn(t *testing.T) {
	for _, test := range []struct {
		name           string
		parallel, most int
		took           time.Duration
	}{
		{"one after the other", 1, 1, 6 * time.Second},
		{"two at a time", 2, 2, 3 * time.Second},
		{"any number", 0, 6, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &registry{}
				runtime, began := WithPullLimits(r, PullLimits{Parallel: test.parallel}), time.Now()
				var pulls sync.WaitGroup
				for range 6 {
					pulls.Go(func() {
						if _, err := runtime.PullImage(t.Context(), &runtimeapi.ImageSpec{Image: "web"}, nil, nil); err != nil {
							t.Error(err)
						}
					})
				}
				pulls.Wait()
				if took := time.Since(began); r.most != test.most || took != test.took {
					t.Errorf("%d were under way at a time and all took %s, want %d and %s", r.most, took, test.most, test.took)
				}
			})
		})
	}
}

func TestAPullThatIsCalledOffGivesUpItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runtime := WithPullLimits(&registry{}, PullLimits{Parallel: 1})
		go func() { _, _ = runtime.PullImage(t.Context(), &runtimeapi.ImageSpec{Image: "first"}, nil, nil) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := runtime.PullImage(ctx, &runtimeapi.ImageSpec{Image: "second"}, nil, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a pull that waits ends with %v", err)
		}
		if _, err := runtime.PullImage(t.Context(), &runtimeapi.ImageSpec{Image: "third"}, nil, nil); err != nil {
			t.Errorf("the next one: %v", err)
		}
	})
}

func TestTooManyPullsOfLateFail(t *testing.T) {
	runtime := WithPullLimits(immediate{}, PullLimits{QPS: 0.001, Burst: 3})
	failed := 0
	for range 5 {
		_, err := runtime.PullImage(t.Context(), &runtimeapi.ImageSpec{Image: "web"}, nil, nil)
		if err != nil && err.Error() != "pull QPS exceeded" {
			t.Errorf("the error is %v", err)
		}
		if err != nil {
			failed++
		}
	}
	if failed != 2 {
		t.Errorf("%d of 5 pulls failed, want those after the third", failed)
	}
}

type immediate struct{ Runtime }

func (immediate) PullImage(_ context.Context, image *runtimeapi.ImageSpec, _ *runtimeapi.AuthConfig, _ *runtimeapi.PodSandboxConfig) (string, error) {
	return image.Image, nil
}
