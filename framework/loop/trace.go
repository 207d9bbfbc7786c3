package loop

import (
	"context"

	"github.com/orrery-dev/orrery/framework/plan"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// tracer sends spans to the process's global provider, which drops them unless one is set.
var tracer = otel.Tracer("github.com/orrery-dev/orrery/framework/loop")

// span is a trace span that knows how errors end one.
type span struct{ trace.Span }

func startSpan(ctx context.Context, name string, attributes ...attribute.KeyValue) (context.Context, span) {
	ctx, s := tracer.Start(ctx, name, trace.WithAttributes(attributes...))
	return ctx, span{s}
}

func startStep(ctx context.Context, step plan.Step) (context.Context, span) {
	ctx, s := startSpan(ctx, step.Verb())
	if s.IsRecording() { // a step's words cost more than the step's span
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

func startPass(ctx context.Context, loop string, key client.ObjectKey) (context.Context, passSpan) {
	ctx, s := startSpan(ctx, "pass",
		attribute.String("loop", loop),
		attribute.String("namespace", key.Namespace),
		attribute.String("name", key.Name))
	return ctx, passSpan{s, loop}
}

func (s passSpan) finish(o outcome) {
	passesTotal.WithLabelValues(s.loop, o.label).Inc()
	s.SetAttributes(attribute.String("outcome", o.label))
	s.end(o.err)
}
