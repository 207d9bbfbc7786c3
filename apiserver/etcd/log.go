package etcd

import (
	"slices"
	"sync/atomic"

	"github.com/go-logr/logr"
	"go.uber.org/zap/zapcore"
)

// logCore hands etcd's warnings and errors to a logr sink.
type logCore struct {
	zapcore.LevelEnabler
	logger logr.Logger
	fields []zapcore.Field
	quiet  *atomic.Bool // set while the member stops: what it then says of itself is of no use
}

// expected are warnings that are true of every member we run, and one that is true only of its first second.
var expected = []string{
	"Running http and grpc server on single port. This is not recommended for production.",
	"simple token is not cryptographically signed",
	"failed to update storage version",
}

// With implements zapcore.Core.
func (c *logCore) With(fields []zapcore.Field) zapcore.Core {
	return &logCore{LevelEnabler: c.LevelEnabler, logger: c.logger, fields: append(slices.Clip(c.fields), fields...), quiet: c.quiet}
}

// Check implements zapcore.Core.
func (c *logCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !c.Enabled(entry.Level) || c.quiet.Load() || slices.Contains(expected, entry.Message) {
		return checked
	}
	return checked.AddCore(entry, c)
}

// Write implements zapcore.Core.
func (c *logCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	values, err := describe(append(slices.Clip(c.fields), fields...))
	if entry.Level >= zapcore.ErrorLevel {
		c.logger.Error(err, entry.Message, values...)
		return nil
	}
	if err != nil {
		values = append(values, "err", err.Error())
	}
	c.logger.Info(entry.Message, values...)
	return nil
}

// Sync implements zapcore.Core.
func (c *logCore) Sync() error { return nil }

// describe splits fields into the error among them and the others as keys and values.
func describe(fields []zapcore.Field) (values []any, found error) {
	encoder := zapcore.NewMapObjectEncoder()
	for _, field := range fields {
		if err, ok := field.Interface.(error); ok && field.Type == zapcore.ErrorType {
			found = err
			continue
		}
		field.AddTo(encoder)
	}
	values = make([]any, 0, 2*len(encoder.Fields))
	for key, value := range encoder.Fields {
		values = append(values, key, value)
	}
	return values, found
}
