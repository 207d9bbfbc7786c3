package status_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/status"
)

// slow is an API server that takes a second for a request.
type slow struct {
	mutex sync.Mutex
	seen  []string
	busy  map[types.UID]bool
	err   error
}

func (s *slow) write(ctx context.Context, pod *corev1.Pod, condition *corev1.PodCondition, nominating *fwk.NominatingInfo) error {
	what := pod.Name
	if condition != nil {
		what += " " + condition.Message
	}
	if nominating != nil {
		what += " on " + nominating.NominatedNodeName
	}
	s.mutex.Lock()
	if s.busy[pod.UID] {
		what += " beside another"
	}
	s.busy[pod.UID] = true
	s.mutex.Unlock()
	select {
	case <-ctx.Done():
	case <-time.After(time.Second): // in a bubble, where it takes none
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.busy[pod.UID] = false
	s.seen = append(s.seen, what)
	return s.err
}

func (s *slow) want(t *testing.T, what ...string) {
	t.Helper()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !slices.Equal(s.seen, what) {
		t.Errorf("written was %q, want %q", s.seen, what)
	}
}

func pod(name string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}}
}

func says(message string) *corev1.PodCondition { return &corev1.PodCondition{Message: message} }

func on(node string) *fwk.NominatingInfo { return &fwk.NominatingInfo{NominatedNodeName: node} }

// writing runs a test with a Writer that works.
func writing(t *testing.T, test func(t *testing.T, w *status.Writer, s *slow, end func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{busy: map[types.UID]bool{}}
		w := status.NewWriter(s.write)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { w.Run(ctx) })
		end := func() { cancel(); running.Wait() }
		defer end()
		test(t, w, s, end)
	})
}

func TestReportDoesNotWaitAndFlushDoes(t *testing.T) {
	writing(t, func(t *testing.T, w *status.Writer, s *slow, _ func()) {
		start := time.Now()
		w.Report(pod("a"), says("no"), nil)
		if took := time.Since(start); took > 0 {
			t.Errorf("Report took %s", took)
		}
		w.Flush("a")
		s.want(t, "a no")
		w.Flush("never heard of")
	})
}

func TestTheLastOfSeveralReportsIsWrittenPartByPart(t *testing.T) {
	writing(t, func(t *testing.T, w *status.Writer, s *slow, _ func()) {
		w.Report(pod("a"), says("first"), nil)
		synctest.Wait() // it is under way
		w.Report(pod("a"), says("second"), nil)
		w.Report(pod("a"), says("third"), on("node"))
		w.Report(pod("a"), nil, on("other"))
		w.Flush("a")
		s.want(t, "a first", "a third on other")
	})
}

func TestPodsAreWrittenSideBySide(t *testing.T) {
	writing(t, func(t *testing.T, w *status.Writer, s *slow, _ func()) {
		start := time.Now()
		for i := range 8 {
			w.Report(pod(fmt.Sprint(i)), says("no"), nil)
		}
		for i := range 8 {
			w.Flush(types.UID(fmt.Sprint(i)))
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("eight reports of a second each took %s", took)
		}
	})
}

func TestAReportThatFailsIsLostAndTheNextIsWritten(t *testing.T) {
	writing(t, func(t *testing.T, w *status.Writer, s *slow, _ func()) {
		s.err = errors.New("no")
		w.Report(pod("a"), says("first"), nil)
		w.Flush("a")
		w.Report(pod("a"), says("second"), nil)
		w.Flush("a")
		s.want(t, "a first", "a second")
	})
}

func TestNobodyWaitsForAWriterThatHasEnded(t *testing.T) {
	writing(t, func(t *testing.T, w *status.Writer, s *slow, end func()) {
		end()
		w.Report(pod("a"), says("no"), nil)
		w.Flush("a")
		s.want(t)
	})
}
