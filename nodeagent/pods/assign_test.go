package pods

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/nodeagent/status"
)

// deviceHost has so many devices; each pod is to have one, and gets it when whoever gives it is not held up.
type deviceHost struct {
	plainHost
	held chan struct{}

	mu    sync.Mutex
	left  int
	given []types.UID
}

func (h *deviceHost) Assigned(pod *corev1.Pod) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.given, pod.UID)
}

func (h *deviceHost) Assign(ctx context.Context, pod *corev1.Pod) *status.Failure {
	select {
	case <-h.held:
	case <-ctx.Done():
		return &status.Failure{Reason: "CalledOff"}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left == 0 {
		return &status.Failure{Reason: "UnexpectedAdmissionError", Message: "there is none"}
	}
	h.left, h.given = h.left-1, append(h.given, pod.UID)
	return nil
}

func (h *deviceHost) CleanUp(_ context.Context, pod *corev1.Pod) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := slices.Index(h.given, pod.UID); i >= 0 {
		h.given, h.left = slices.Delete(h.given, i, i+1), h.left+1
	}
	return nil
}

func (h *deviceHost) Health(pod *corev1.Pod) map[string][]corev1.ResourceStatus {
	return map[string][]corev1.ResourceStatus{"main": {{Name: "example.com/device"}}}
}

func TestAPodIsGivenWhatItHasForItselfBeforeAnythingIsMade(t *testing.T) {
	spec := corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "image"}}}
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer func() { l.stop() }()
		host := &deviceHost{held: make(chan struct{}), left: 1}
		l.host = host
		l.restart()
		first := l.create("first", spec, nil)
		synctest.Wait()
		if pod := l.get(first); len(pod.Status.ContainerStatuses) > 0 {
			t.Errorf("before it is let in, it is told of a pod: %+v", pod.Status)
		}
		called := l.create("called-off", spec, nil)
		synctest.Wait()
		l.delete(called, 30)
		synctest.Wait()
		if l.get(called) != nil {
			t.Error("a pod that waits for a plugin cannot be deleted")
		}

		close(host.held)
		synctest.Wait()
		if l.running(first, "main") == "" {
			t.Errorf("the pod does not run: %+v", l.get(first).Status)
		}
		if s := l.get(first).Status.ContainerStatuses; len(s) != 1 || len(s[0].AllocatedResourcesStatus) != 1 {
			t.Errorf("how its device is, is not told: %+v", s)
		}

		second := l.create("second", spec, nil)
		synctest.Wait()
		refused := l.get(second).Status
		if refused.Phase != corev1.PodFailed || refused.Reason != "UnexpectedAdmissionError" || refused.Message != "Pod was rejected: there is none" || len(refused.ContainerStatuses) > 0 {
			t.Errorf("a pod for which nothing is left is %+v", refused)
		}
		if !slices.Contains(l.events, "second UnexpectedAdmissionError") || slices.Contains(l.events, "called-off CalledOff") {
			t.Errorf("the events are %q", l.events)
		}

		l.delete(first, 30)
		synctest.Wait()
		third := l.create("third", spec, nil)
		synctest.Wait()
		if l.running(third, "main") == "" {
			t.Errorf("what the first pod had is not the third's: %+v", l.get(third).Status)
		}
	})
}

// claimHost has a driver that prepares claims when it is there.
type claimHost struct {
	plainHost
	there atomic.Bool
}

func (h *claimHost) PrepareClaims(context.Context, *corev1.Pod) error {
	if h.there.Load() {
		return nil
	}
	return errors.New("the driver is not there")
}

func TestAPodWaitsUntilItsClaimsArePrepared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer func() { l.stop() }()
		host := &claimHost{}
		l.host = host
		l.restart()
		uid := l.create("claims", corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "image"}}}, nil)
		synctest.Wait()
		if pod := l.get(uid); pod.Status.Phase != corev1.PodPending || !slices.Contains(l.events, "claims FailedPrepareDynamicResources") {
			t.Errorf("the pod is %s, and the events are %q", pod.Status.Phase, l.events)
		}
		host.there.Store(true)
		time.Sleep(time.Minute) //nolint:forbidigo // on the bubble's clock: until it is tried again
		synctest.Wait()
		if l.running(uid, "main") == "" {
			t.Errorf("when the driver is there the pod is %+v", l.get(uid).Status)
		}
	})
}
