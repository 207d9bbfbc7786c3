package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// Run makes passes for the keys that are woken, until ctx ends and the last pass and task has ended. It is for loops that no
// manager of controller-runtime runs, and can be called once.
func (e *Engine[K, W, A]) Run(ctx context.Context) {
	e.EndTasksWith(ctx)
	queue := e.options.Queue
	context.AfterFunc(ctx, queue.ShutDown)
	var (
		passes sync.WaitGroup
		slots  chan struct{}
	)
	if e.options.SideBySide > 0 {
		slots = make(chan struct{}, e.options.SideBySide)
	}
	for {
		key, ended := queue.Get()
		if ended {
			break
		}
		if slots != nil {
			slots <- struct{}{}
		}
		passes.Go(func() {
			e.runPass(ctx, key)
			if slots != nil {
				<-slots
			}
		})
	}
	passes.Wait()
	e.tasks.Wait()
}

// runPass makes a pass and asks for the next.
func (e *Engine[K, W, A]) runPass(ctx context.Context, key K) {
	defer e.options.Queue.Done(key)
	if ctx.Err() != nil {
		return
	}
	m := e.recall(key)
	var outcome Outcome
	if err := e.guarded(func() error { outcome = e.Pass(ctx, key); return nil }); err != nil {
		outcome = Outcome{Label: unexpected, Err: err}
	}
	if !outcome.failed() {
		m.failures = 0
	} else {
		outcome.After = backOff(e.options.FirstBackOff, e.options.LongestBackOff, m.failures)
		m.failures++
	}
	if outcome.Err != nil && ctx.Err() == nil {
		e.options.Log.Error(outcome.Err, "A pass of a loop failed", "loop", e.options.Name, "key", fmt.Sprint(key), "again", outcome.After)
	}
	if outcome.After > 0 {
		e.options.Queue.AddAfter(key, outcome.After)
	}
}

// guarded makes an error of a panic, and counts it.
func (e *Engine[K, W, A]) guarded(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			panicsTotal.WithLabelValues(e.options.Name).Inc()
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return do()
}
