package enginetest

import (
	"context"

	"github.com/orrery-dev/orrery/framework/engine"
)

// wrap makes a call of a step, which can go wrong. It keeps what else the step is.
func (r *run[K, W, A, M]) wrap(key K, step engine.Step[A]) engine.Step[A] {
	c := call[K, W, A, M]{step, r, key}
	if task, ok := step.(engine.Task[A]); ok {
		return taskCall[K, W, A, M]{c, task}
	}
	if reporter, ok := step.(engine.Reporter[A]); ok {
		return reportCall[K, W, A, M]{c, reporter}
	}
	return c
}

type call[K comparable, W, A, M any] struct {
	engine.Step[A]
	run *run[K, W, A, M]
	key K
}

// Idle is what it is without a wrap.
func (c call[K, W, A, M]) Idle() bool {
	idler, ok := c.Step.(engine.Idler)
	return ok && idler.Idle()
}

// Do takes the step, and tells of it. One that changes nothing cannot go wrong.
func (c call[K, W, A, M]) Do(ctx context.Context, actor A) error {
	return c.take(func() error { return c.Step.Do(ctx, actor) })
}

func (c call[K, W, A, M]) take(do func() error) error {
	if c.Idle() {
		return do()
	}
	c.run.env.Tell("%v: %s", c.key, engine.Sentence(c.Step))
	return c.run.env.Call(c.String(), do)
}

type reportCall[K comparable, W, A, M any] struct {
	call[K, W, A, M]
	reporter engine.Reporter[A]
}

func (c reportCall[K, W, A, M]) Report(ctx context.Context, actor A, failed error) error {
	return c.take(func() error { return c.reporter.Report(ctx, actor, failed) })
}

type taskCall[K comparable, W, A, M any] struct {
	call[K, W, A, M]
	task engine.Task[A]
}

func (c taskCall[K, W, A, M]) Task() string { return c.task.Task() }

// Do takes the step when the run lets it, whether or not it was called off by then.
func (c taskCall[K, W, A, M]) Do(ctx context.Context, actor A) error {
	r := c.run
	defer r.recovers("a task of ", c.key)
	if !r.hold(c.key, c.Task()) {
		return errCrashed
	}
	off := ""
	if ctx.Err() != nil {
		off = " (though it was called off)"
	}
	r.env.Tell("%v: %s%s", c.key, engine.Sentence(c.Step), off)
	return r.env.Call(c.String(), func() error { return c.task.Do(ctx, actor) })
}
