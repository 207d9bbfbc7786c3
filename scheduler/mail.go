package scheduler

import (
	"context"
	"sync"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

const (
	// longestDelay is how long an Event waits at most for the scheduler to have nothing more urgent to do.
	longestDelay = 10 * time.Second
	// mostMail is how many Events wait at most. With more, they are sent whatever else there is to do.
	mostMail = 20_000
	// postmen is how many Events are sent at the same time.
	postmen = 4
	// lookForCalm is how often it is looked whether the scheduler still has more urgent things to do.
	lookForCalm = 20 * time.Millisecond
	// lastCollection is how long the Events that are left at the end may take.
	lastCollection = 2 * time.Second
)

// mail is the sink of the Events: it takes them at once and sends them later, in their order. An Event costs the API server
// about as much as a binding does. So where many pods wait, they are placed first, and then it is told.
type mail struct {
	sink  events.EventSink
	busy  func() bool
	clock clock.Clock

	mutex   sync.Mutex
	letters []letter
	arrived chan struct{} // has an element when there may be letters
}

// letter is a request to the sink, with when it was made.
type letter struct {
	since time.Time
	event *eventsv1.Event
	patch []byte // nil where the Event is to be created
}

func newMail(sink events.EventSink, busy func() bool, clock clock.Clock) *mail {
	return &mail{sink: sink, busy: busy, clock: clock, arrived: make(chan struct{}, 1)}
}

// Create implements events.EventSink.
func (m *mail) Create(_ context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	m.add(letter{since: m.clock.Now(), event: event})
	return event, nil
}

// Update implements events.EventSink; the recorder does not use it.
func (m *mail) Update(ctx context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	return m.sink.Update(ctx, event)
}

// Patch implements events.EventSink. The Event it returns is the one that the recorder goes on counting with.
func (m *mail) Patch(_ context.Context, event *eventsv1.Event, patch []byte) (*eventsv1.Event, error) {
	m.add(letter{since: m.clock.Now(), event: event.DeepCopy(), patch: patch})
	return event, nil
}

func (m *mail) add(l letter) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.letters = append(m.letters, l)
	m.ring()
}

// ring wakes a postman.
func (m *mail) ring() {
	select {
	case m.arrived <- struct{}{}:
	default:
	}
}

// run sends what arrives until ctx ends, and then what is left.
func (m *mail) run(ctx context.Context) {
	var sending sync.WaitGroup
	for range postmen {
		sending.Go(func() {
			for m.wait(ctx) {
				m.deliver(ctx)
			}
		})
	}
	sending.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCollection)
	defer cancel()
	for ctx.Err() == nil && m.deliver(ctx) {
	}
}

// wait returns true when it is time to send a letter, and false when ctx has ended.
func (m *mail) wait(ctx context.Context) bool {
	for {
		pause := m.due()
		if pause == 0 {
			return ctx.Err() == nil
		}
		var calm <-chan time.Time
		if pause > 0 {
			calm = m.clock.After(pause)
		}
		select {
		case <-ctx.Done():
			return false
		case <-m.arrived:
		case <-calm:
		}
	}
}

// due returns how long to wait before the next letter is looked at again: 0 is not at all, and below 0 is until there is one.
func (m *mail) due() time.Duration {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	switch {
	case len(m.letters) == 0:
		return -1
	case len(m.letters) > mostMail, m.clock.Since(m.letters[0].since) >= longestDelay, !m.busy():
		return 0
	}
	return lookForCalm
}

// deliver sends the first letter; it reports whether there was one.
func (m *mail) deliver(ctx context.Context) bool {
	l, found := m.take()
	if !found {
		return false
	}
	err := retry.OnError(retry.DefaultBackoff, passes, func() error { return m.send(ctx, l) })
	if err != nil && !apierrors.IsAlreadyExists(err) && ctx.Err() == nil {
		klog.FromContext(ctx).Error(err, "Event could not be sent", "event", klog.KObj(l.event), "reason", l.event.Reason)
	}
	return true
}

func (m *mail) take() (letter, bool) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if len(m.letters) == 0 {
		m.letters = nil // so that what a burst took is given back
		return letter{}, false
	}
	l := m.letters[0]
	m.letters[0] = letter{}
	if m.letters = m.letters[1:]; len(m.letters) > 0 {
		m.ring() // for the next postman
	}
	return l, true
}

func (m *mail) send(ctx context.Context, l letter) error {
	if l.patch != nil {
		_, err := m.sink.Patch(ctx, l.event, l.patch)
		if !apierrors.IsNotFound(err) {
			return err
		}
		l.event.ResourceVersion = "" // It has expired, or was never created.
	}
	_, err := m.sink.Create(ctx, l.event)
	return err
}

// passes reports whether a request may succeed when it is repeated soon.
func passes(err error) bool {
	return apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err) || apierrors.ReasonForError(err) == ""
}
