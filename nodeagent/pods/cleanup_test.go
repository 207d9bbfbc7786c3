package pods

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
)

// busyHost is one whose control groups the runtime still uses for a while.
type busyHost struct {
	plainHost
	left atomic.Int32
}

func (h *busyHost) CleanUp(context.Context, *corev1.Pod) error {
	if h.left.Add(-1) < 0 {
		return nil
	}
	return fmt.Errorf("removing control group: %w", syscall.EBUSY)
}

func TestWhatTheRuntimeStillUsesIsWaitedForQuietly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		l.stop()
		host := &busyHost{}
		host.left.Store(3)
		l.host = host
		l.log = funcr.New(func(_, args string) { t.Errorf("it was logged: %s", args) }, funcr.Options{})
		l.start()
		uid := l.create("web", corev1.PodSpec{Containers: []corev1.Container{container("main", nil)}}, nil)
		time.Sleep(time.Minute) //nolint:forbidigo // on the bubble's clock
		l.delete(uid, 1)
		time.Sleep(time.Minute) //nolint:forbidigo // likewise
		synctest.Wait()
		if l.get(uid) != nil || host.left.Load() != -1 {
			t.Errorf("the pod is %v after %d attempts", l.get(uid), 3-host.left.Load())
		}
		l.stop()
	})
}
