package wiring

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// quietEnd is what a manager says, without what it says as an error of having been told to stop: that it does not lead any more, and
// that loops which had only just begun did not come to read what they watch. One that loses the lease while it runs, or cannot read
// what it watches, ends with that error, and says it.
type quietEnd struct {
	running atomic.Pointer[context.Context]
}

// of is a log without them.
func (q *quietEnd) of(to logr.Logger) logr.Logger {
	if to.GetSink() == nil {
		to = log.Log // as the manager would
	}
	return to.WithSink(quietSink{to.GetSink(), q})
}

// with tells of the context by which the manager is told to stop.
func (q *quietEnd) with(ctx context.Context) { q.running.Store(&ctx) }

// stopping reports that the manager has been told to stop.
func (q *quietEnd) stopping() bool {
	ctx := q.running.Load()
	return ctx != nil && (*ctx).Err() != nil
}

// quietSink drops the errors of a quietEnd.
type quietSink struct {
	logr.LogSink
	end *quietEnd
}

var _ logr.CallDepthLogSink = quietSink{}

// The words are controller-runtime's, which has no variables for them.
const (
	whileStopping = "error received after stop sequence was engaged"
	unread        = "Could not wait for Cache to sync"
	lostLease     = "leader election lost"
	unreadError   = " caches to sync "
)

// Error implements logr.LogSink.
func (s quietSink) Error(err error, message string, values ...any) {
	if err != nil && s.end.stopping() && ofStopping(err.Error(), message) {
		return
	}
	s.WithCallDepth(1).(quietSink).LogSink.Error(err, message, values...)
}

// ofStopping reports that what a manager says while it stops only means that it does.
func ofStopping(err, message string) bool {
	switch message {
	case unread:
		return true
	case whileStopping:
		return err == lostLease || strings.Contains(err, unreadError)
	default:
		return false
	}
}

// WithValues implements logr.LogSink.
func (s quietSink) WithValues(values ...any) logr.LogSink {
	return quietSink{s.LogSink.WithValues(values...), s.end}
}

// WithName implements logr.LogSink.
func (s quietSink) WithName(name string) logr.LogSink {
	return quietSink{s.LogSink.WithName(name), s.end}
}

// WithCallDepth implements logr.CallDepthLogSink.
func (s quietSink) WithCallDepth(depth int) logr.LogSink {
	if deep, ok := s.LogSink.(logr.CallDepthLogSink); ok {
		return quietSink{deep.WithCallDepth(depth), s.end}
	}
	return s
}
