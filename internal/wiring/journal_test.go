package wiring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"

	"github.com/orrery-dev/orrery/internal/await"
)

// sink keeps what it is given.
type sink struct {
	mu    sync.Mutex
	notes []string
}

func (s *sink) Create(_ context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, event.ReportingController+": "+event.Note)
	return event, nil
}

func (*sink) Update(context.Context, *eventsv1.Event) (*eventsv1.Event, error) {
	return nil, errors.New("nothing updates an event")
}

func (s *sink) Patch(ctx context.Context, event *eventsv1.Event, _ []byte) (*eventsv1.Event, error) {
	return s.Create(ctx, event)
}

func (s *sink) has(want ...string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("it has %q", s.notes), slices.Equal(s.notes, want)
}

func TestEachLoopRecordsItsEventsItself(t *testing.T) {
	j := newJournal()
	defer j.stop()
	var comets, moons sink
	comet := j.recorder("comet-controller", clientgoscheme.Scheme, &comets)
	moon := j.recorder("moon-controller", clientgoscheme.Scheme, &moons)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "1"}}
	comet.Eventf(pod, nil, corev1.EventTypeNormal, "Seen", "Seen", "a %s", "tail")
	moon.Eventf(pod, nil, corev1.EventTypeNormal, "Seen", "Seen", "a face")

	await.Until(t, "the event of one loop", func() (string, bool) { return comets.has("comet-controller: a tail") })
	await.Until(t, "the event of the other loop", func() (string, bool) { return moons.has("moon-controller: a face") })
}

func TestLoopsThatRecordInOneNameRecordTheirEventsThemselves(t *testing.T) {
	j := newJournal()
	defer j.stop()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "1"}}
	var sinks [3]sink
	for i := range sinks {
		recorder := j.recorder("halley", clientgoscheme.Scheme, &sinks[i])
		recorder.Eventf(pod, nil, corev1.EventTypeNormal, "Seen", "Seen", "tail %d", i)
	}
	for i := range sinks {
		await.Until(t, "the event of one of the loops", func() (string, bool) { return sinks[i].has(fmt.Sprintf("halley: tail %d", i)) })
	}
}

func TestAnEventThatComesTooLateIsDropped(t *testing.T) {
	j := newJournal()
	var comets sink
	early, late := j.recorder("early", clientgoscheme.Scheme, &comets), j.recorder("late", clientgoscheme.Scheme, &comets)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "1"}}
	early.Eventf(pod, nil, corev1.EventTypeNormal, "Seen", "Seen", "in time")
	await.Until(t, "the first event", func() (string, bool) { return comets.has("early: in time") })
	j.stop()
	j.stop()
	early.Eventf(pod, nil, corev1.EventTypeNormal, "Seen", "Seen", "too late")
	late.Eventf(pod, nil, corev1.EventTypeNormal, "Seen", "Seen", "too late")
	if seen, ok := comets.has("early: in time"); !ok {
		t.Error(seen)
	}
}
