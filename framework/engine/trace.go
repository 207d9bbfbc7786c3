package engine

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// tracer sends spans to the process's global provider, which drops them unless one is set.
var tracer = otel.Tracer("github.com/orrery-dev/orrery/framework/engine")

// span is a trace span that knows how errors end one.
type span struct{ trace.Span }

func startSpan(ctx context.Context, name string, attributes ...attribute.KeyValue) (context.Context, span) {
	ctx, s := tracer.Start(ctx, name, trace.WithAttributes(attributes...))
	return ctx, span{s}
}

// startPart is the span of a part of a pass. Where the pass is not recorded there is none: most processes trace nothing, and
// three spans would be most of what an idle pass costs.
func startPart(ctx context.Context, name string) (context.Context, span) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, span{noop.Span{}}
	}
	return startSpan(ctx, name)
}

// startStep is the span of a step. Its words cost more than the span, so they are found only where it is recorded.
func startStep[A any](ctx context.Context, step Step[A]) (context.Context, span) {
	ctx, s := startPart(ctx, step.Verb())
	if s.IsRecording() {
		s.SetAttributes(attribute.String("step", step.String()), attribute.String("why", step.Why()))
	}
	return ctx, s
}

func (s span) end(err error) {
	if err != nil {
		s.RecordError(err)
		s.SetStatus(codes.Error, err.Error())
	}
	s.End()
}

// passSpan is the span of a whole pass, which also counts it.
type passSpan struct {
	span
	loop string
}

func startPass(ctx context.Context, loop string, attributes []attribute.KeyValue) (context.Context, passSpan) {
	ctx, s := startSpan(ctx, "pass", attributes...)
	s.SetAttributes(attribute.String("loop", loop))
	return ctx, passSpan{s, loop}
}

func (s passSpan) finish(o Outcome) {
	passesTotal.WithLabelValues(s.loop, o.Label).Inc()
	s.SetAttributes(attribute.String("outcome", o.Label))
	s.end(o.Err)
}
