package eventsink

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
	// mostWaiting is how many Events wait at most. With more, they are sent whatever else there is to do.
	mostWaiting = 20_000
	// senders is how many Events are sent at the same time.
	senders = 4
	// pollBusy is how often it is looked whether the scheduler still has more urgent things to do.
	pollBusy = 20 * time.Millisecond
	// drainTimeout is how long the Events that are left at the end may take.
	drainTimeout = 2 * time.Second
)

// Sink is where Events wait until they are sent. Its methods are safe for concurrent use.
type Sink struct {
	sink  events.EventSink
	busy  func() bool
	clock clock.Clock

	mutex   sync.Mutex
	waiting []request
	added   chan struct{} // has an element when there may be requests
}

var _ events.EventSink = &Sink{}

// request is a request to the sink, with when it was made.
type request struct {
	since time.Time
	event *eventsv1.Event
	patch []byte // nil where the Event is to be created
}

// New returns a Sink that sends to another whenever the scheduler is not busy. Nothing is sent before Run.
func New(sink events.EventSink, busy func() bool, clock clock.Clock) *Sink {
	return &Sink{sink: sink, busy: busy, clock: clock, added: make(chan struct{}, 1)}
}

// Create implements events.EventSink.
func (s *Sink) Create(_ context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	s.add(request{since: s.clock.Now(), event: event})
	return event, nil
}

// Update implements events.EventSink; the recorder does not use it.
func (s *Sink) Update(ctx context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	return s.sink.Update(ctx, event)
}

// Patch implements events.EventSink. The Event it returns is the one that the recorder goes on counting with.
func (s *Sink) Patch(_ context.Context, event *eventsv1.Event, patch []byte) (*eventsv1.Event, error) {
	s.add(request{since: s.clock.Now(), event: event.DeepCopy(), patch: patch})
	return event, nil
}

func (s *Sink) add(l request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.waiting = append(s.waiting, l)
	s.wake()
}

// wake wakes a sender.
func (s *Sink) wake() {
	select {
	case s.added <- struct{}{}:
	default:
	}
}

// Run sends what arrives until ctx ends, and then what is left.
func (s *Sink) Run(ctx context.Context) {
	var sending sync.WaitGroup
	for range senders {
		sending.Go(func() {
			for s.wait(ctx) {
				s.sendFirst(ctx)
			}
		})
	}
	sending.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	for ctx.Err() == nil && s.sendFirst(ctx) {
	}
}

// wait returns true when it is time to send a request, and false when ctx has ended.
func (s *Sink) wait(ctx context.Context) bool {
	for {
		pause := s.due()
		if pause == 0 {
			return ctx.Err() == nil
		}
		var calm <-chan time.Time
		if pause > 0 {
			calm = s.clock.After(pause)
		}
		select {
		case <-ctx.Done():
			return false
		case <-s.added:
		case <-calm:
		}
	}
}

// due returns how long to wait before the next request is looked at again: 0 is not at all, and below 0 is until there is
// one.
func (s *Sink) due() time.Duration {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch {
	case len(s.waiting) == 0:
		return -1
	case len(s.waiting) > mostWaiting, s.clock.Since(s.waiting[0].since) >= longestDelay, !s.busy():
		return 0
	}
	return pollBusy
}

// sendFirst sends the first request; it reports whether there was one.
func (s *Sink) sendFirst(ctx context.Context) bool {
	l, found := s.take()
	if !found {
		return false
	}
	err := retry.OnError(retry.DefaultBackoff, passes, func() error { return s.send(ctx, l) })
	if err != nil && !apierrors.IsAlreadyExists(err) && ctx.Err() == nil {
		klog.FromContext(ctx).Error(err, "Event could not be sent", "event", klog.KObj(l.event), "reason", l.event.Reason)
	}
	return true
}

func (s *Sink) take() (request, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.waiting) == 0 {
		s.waiting = nil // so that what a burst took is given back
		return request{}, false
	}
	l := s.waiting[0]
	s.waiting[0] = request{}
	if s.waiting = s.waiting[1:]; len(s.waiting) > 0 {
		s.wake() // for the next sender
	}
	return l, true
}

func (s *Sink) send(ctx context.Context, l request) error {
	if l.patch != nil {
		_, err := s.sink.Patch(ctx, l.event, l.patch)
		if !apierrors.IsNotFound(err) {
			return err
		}
		l.event.ResourceVersion = "" // It has expired, or was never created.
	}
	_, err := s.sink.Create(ctx, l.event)
	return err
}

// passes reports whether a request may succeed when it is repeated soon.
func passes(err error) bool {
	return apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err) || apierrors.ReasonForError(err) == ""
}
