package wiring

import (
	"context"
	"sync"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/recorder"
)

// journal records the events of many loops, each as the loop that it is from. One broadcaster, which is made when there is an
// event, serves them all: it has room for a thousand events, which is more than a loop needs for itself.
type journal struct {
	mu          sync.RWMutex
	sinks       map[string]events.EventSink // by the name in which a loop records
	broadcaster events.EventBroadcaster     // nil until something is recorded
	cancel      context.CancelFunc
	stopped     bool
	// beside is for loops that record in a name that another one has, as two do that are one controller in Kubernetes: an event tells
	// in which name it is recorded, and not by whom. Nil if there are none.
	beside *journal
}

var _ events.EventSink = (*journal)(nil)

func newJournal() *journal { return &journal{sinks: map[string]events.EventSink{}} }

// recorder is for events in a loop's name, which sink takes.
func (j *journal) recorder(loop string, scheme *runtime.Scheme, sink events.EventSink) recorder.EventRecorder {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.sinks[loop] != nil {
		if j.beside == nil {
			j.beside = newJournal()
		}
		return j.beside.recorder(loop, scheme, sink)
	}
	j.sinks[loop] = sink
	return &journalist{open: sync.OnceValue(func() recorder.EventRecorder { return j.open(loop, scheme) })}
}

// open begins to record, if nobody has before, for a loop; nil when the journal has been stopped.
func (j *journal) open(loop string, scheme *runtime.Scheme) recorder.EventRecorder {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stopped {
		return nil
	}
	if j.broadcaster == nil {
		j.broadcaster = events.NewBroadcaster(j)
		var ctx context.Context
		ctx, j.cancel = context.WithCancel(context.Background())
		_ = j.broadcaster.StartRecordingToSinkWithContext(ctx) // which fails for one that has been shut down
	}
	return j.broadcaster.NewRecorder(scheme, loop).(recorder.EventRecorder)
}

// stop ends the recording. What is recorded afterwards is dropped.
func (j *journal) stop() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broadcaster != nil && !j.stopped {
		j.broadcaster.Shutdown()
		j.cancel()
	}
	j.stopped = true
	if j.beside != nil {
		j.beside.stop()
	}
}

// Create implements events.EventSink.
func (j *journal) Create(ctx context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	return j.sinkOf(event).Create(ctx, event)
}

// Update implements events.EventSink.
func (j *journal) Update(ctx context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	return j.sinkOf(event).Update(ctx, event)
}

// Patch implements events.EventSink.
func (j *journal) Patch(ctx context.Context, event *eventsv1.Event, data []byte) (*eventsv1.Event, error) {
	return j.sinkOf(event).Patch(ctx, event, data)
}

// sinkOf is where an event goes: each is from a loop that has a recorder.
func (j *journal) sinkOf(event *eventsv1.Event) events.EventSink {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.sinks[event.ReportingController]
}

// journalist records for one loop, from its first event on.
type journalist struct{ open func() recorder.EventRecorder }

func (r *journalist) Eventf(regarding, related runtime.Object, eventtype, reason, action, note string, args ...any) {
	r.AnnotatedEventf(regarding, related, nil, eventtype, reason, action, note, args...)
}

func (r *journalist) AnnotatedEventf(regarding, related runtime.Object, annotations map[string]string, eventtype, reason, action, note string, args ...any) {
	if to := r.open(); to != nil {
		to.AnnotatedEventf(regarding, related, annotations, eventtype, reason, action, note, args...)
	}
}
