package eventsink_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/scheduler/eventsink"
)

// server takes Events as an API server does.
type server struct {
	mutex sync.Mutex
	seen  []string
	// refusals are answers to the first requests.
	refusals []error
}

func (s *server) take(what string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.refusals) > 0 {
		err := s.refusals[0]
		s.refusals = s.refusals[1:]
		return err
	}
	s.seen = append(s.seen, what)
	return nil
}

func (s *server) all() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.seen)
}

func (s *server) Create(_ context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	return event, s.take("create " + event.Name)
}

func (s *server) Update(_ context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	return event, s.take("update " + event.Name)
}

func (s *server) Patch(_ context.Context, event *eventsv1.Event, _ []byte) (*eventsv1.Event, error) {
	return event, s.take("patch " + event.Name)
}

func event(name string) *eventsv1.Event {
	return &eventsv1.Event{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}}
}

// delivering runs a test with a Sink that runs.
func delivering(t *testing.T, test func(t *testing.T, m *eventsink.Sink, s *server, busy *atomic.Bool, end func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, busy := &server{}, &atomic.Bool{}
		m := eventsink.New(s, busy.Load, clock.RealClock{})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { m.Run(ctx) })
		end := func() { cancel(); running.Wait() }
		defer end()
		test(t, m, s, busy, end)
	})
}

// send records an Event; taking it never fails.
func send(t *testing.T, m *eventsink.Sink, name string) {
	t.Helper()
	if _, err := m.Create(t.Context(), event(name)); err != nil {
		t.Fatal(err)
	}
}

// after lets time pass, and everything come to rest then.
func after(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // In a bubble it is how time passes, and takes none.
	synctest.Wait()
}

func want(t *testing.T, s *server, what ...string) {
	t.Helper()
	if got := s.all(); !slices.Equal(got, what) {
		t.Errorf("the server saw %v, want %v", got, what)
	}
}

func TestAnIdleSchedulerSendsAtOnce(t *testing.T) {
	delivering(t, func(t *testing.T, m *eventsink.Sink, s *server, _ *atomic.Bool, _ func()) {
		send(t, m, "a")
		synctest.Wait()
		want(t, s, "create a")
	})
}

func TestABusySchedulerSendsWhenItHasBecomeIdle(t *testing.T) {
	delivering(t, func(t *testing.T, m *eventsink.Sink, s *server, busy *atomic.Bool, _ func()) {
		busy.Store(true)
		send(t, m, "a")
		after(5 * time.Second)
		want(t, s)
		busy.Store(false)
		after(time.Second)
		want(t, s, "create a")
	})
}

func TestNoEventWaitsLongerThanTenSeconds(t *testing.T) {
	delivering(t, func(t *testing.T, m *eventsink.Sink, s *server, busy *atomic.Bool, _ func()) {
		busy.Store(true)
		send(t, m, "a")
		after(6 * time.Second)
		send(t, m, "b")
		after(5 * time.Second)
		want(t, s, "create a")
		after(5 * time.Second)
		want(t, s, "create a", "create b")
	})
}

func TestNoMoreThanTwentyThousandEventsWait(t *testing.T) {
	delivering(t, func(t *testing.T, m *eventsink.Sink, s *server, busy *atomic.Bool, _ func()) {
		busy.Store(true)
		for i := range 20_100 {
			send(t, m, fmt.Sprint(i))
		}
		after(time.Second)
		if got := len(s.all()); got != 100 {
			t.Errorf("%d Events were sent, want the 100 that were too many", got)
		}
	})
}

func TestWhatIsLeftAtTheEndIsSent(t *testing.T) {
	delivering(t, func(t *testing.T, m *eventsink.Sink, s *server, busy *atomic.Bool, end func()) {
		busy.Store(true)
		send(t, m, "a")
		send(t, m, "b")
		end()
		want(t, s, "create a", "create b")
	})
}

func TestAServerThatIsBusyIsAskedAgain(t *testing.T) {
	delivering(t, func(t *testing.T, m *eventsink.Sink, s *server, _ *atomic.Bool, _ func()) {
		s.refusals = []error{apierrors.NewTooManyRequests("later", 1), apierrors.NewServiceUnavailable("not yet")}
		send(t, m, "a")
		after(time.Second)
		want(t, s, "create a")
	})
}

func TestAnEventThatIsRefusedIsLostAndTheNextIsSent(t *testing.T) {
	delivering(t, func(t *testing.T, m *eventsink.Sink, s *server, _ *atomic.Bool, _ func()) {
		s.refusals = []error{apierrors.NewForbidden(schema.GroupResource{Resource: "events"}, "a", nil)}
		send(t, m, "a")
		after(time.Second)
		send(t, m, "b")
		after(time.Second)
		want(t, s, "create b")
	})
}

func TestTheCountOfAnEventThatHasExpiredStartsItAnew(t *testing.T) {
	delivering(t, func(t *testing.T, m *eventsink.Sink, s *server, _ *atomic.Bool, _ func()) {
		s.refusals = []error{apierrors.NewNotFound(schema.GroupResource{Resource: "events"}, "a")}
		if _, err := m.Patch(t.Context(), event("a"), []byte(`{"series":{"count":2}}`)); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		want(t, s, "create a")
	})
}
