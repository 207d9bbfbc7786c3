package wiring

import (
	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// quietEnd is a log without what a manager with leader election says as an error whenever it is stopped: that, having been told to
// stop and having ended its loops, it does not lead any more. One that loses the lease while it runs ends with that error, and says
// nothing here.
func quietEnd(to logr.Logger) logr.Logger {
	if to.GetSink() == nil {
		to = log.Log // as the manager would
	}
	return to.WithSink(quietSink{to.GetSink()})
}

// quietSink drops errors that are met in stopping a manager, if they are of leader election.
type quietSink struct{ logr.LogSink }

var _ logr.CallDepthLogSink = quietSink{}

// The words are controller-runtime's, which has no variables for them.
const (
	whileStopping = "error received after stop sequence was engaged"
	lostLease     = "leader election lost"
)

// Error implements logr.LogSink.
func (s quietSink) Error(err error, message string, values ...any) {
	if message == whileStopping && err != nil && err.Error() == lostLease {
		return
	}
	s.WithCallDepth(1).(quietSink).LogSink.Error(err, message, values...)
}

// WithValues implements logr.LogSink.
func (s quietSink) WithValues(values ...any) logr.LogSink {
	return quietSink{s.LogSink.WithValues(values...)}
}

// WithName implements logr.LogSink.
func (s quietSink) WithName(name string) logr.LogSink { return quietSink{s.LogSink.WithName(name)} }

// WithCallDepth implements logr.CallDepthLogSink.
func (s quietSink) WithCallDepth(depth int) logr.LogSink {
	if deep, ok := s.LogSink.(logr.CallDepthLogSink); ok {
		return quietSink{deep.WithCallDepth(depth)}
	}
	return s
}
