package engine

import (
	"context"
	"errors"
	"fmt"
)

// Pass makes one pass for a key, and says how it ended. Two for one key must not overlap: [Engine.Run] sees to that, and so
// does the queue of whoever calls Pass instead.
func (e *Engine[K, W, A]) Pass(ctx context.Context, key K) Outcome {
	ctx, span := startPass(ctx, e.options.Name, e.options.Describe(key))
	m := e.recall(key)
	again, err := e.pass(ctx, key, m)
	outcome := e.options.Judge.judge(err)
	if errors.Is(err, ErrGone) {
		e.forget(key)
	}
	m.settle(&outcome)
	if outcome.Err == nil && outcome.After == 0 && again != nil {
		outcome.After = again.After
	}
	span.finish(outcome)
	return outcome
}

// settle counts how often in a row a key was to be tried again, and makes its rest longer by that.
func (m *memory) settle(outcome *Outcome) {
	if !outcome.again {
		m.retries = 0
		return
	}
	outcome.After = backOff(firstRetry, slowestRetry, m.retries)
	m.retries++
}

// pass observes, plans and acts. The result is when to look again if all went well.
func (e *Engine[K, W, A]) pass(ctx context.Context, key K, m *memory) (*Again, error) {
	m.before = m.running()
	world, decided, err := e.decide(ctx, key, m)
	if err != nil {
		return nil, err
	}
	at := e.options.Clock.Now()
	var held *Again
	if !e.options.DryRun {
		held, err = e.act(ctx, key, world, decided, m)
	}
	decided.leaveTo(m, err)
	e.remember(key, m, at, decided, err)
	e.options.Passed(key, decided, err)
	return earlier(decided.Again(), held), err
}

// decide observes the world and plans for it.
func (e *Engine[K, W, A]) decide(ctx context.Context, key K, m *memory) (W, *Plan[A], error) {
	observing, span := startPart(ctx, "observe")
	world, err := e.loop.Observe(observing, e.look(m), key)
	m.sightings.observed(err)
	span.end(e.options.Judge.judge(err).Err)
	if err != nil {
		return world, nil, fmt.Errorf("observing: %w", err)
	}
	_, span = startPart(ctx, "plan")
	decided := e.loop.Plan(key, world, e.options.Clock.Now())
	span.end(nil)
	planned(e.options.Name, len(decided.Steps()))
	return world, decided, nil
}

// look is for one observation of the key that a memory is of.
func (e *Engine[K, W, A]) look(m *memory) Look {
	return Look{clock: e.options.Clock, memory: m, remembered: e.left}
}

// act takes the steps in order up to the first that fails, and the reports behind it. Nothing waits for a task, so that none
// which fails ends it, not even one that is taken inline. It says when a task that could not be begun yet can be.
func (e *Engine[K, W, A]) act(ctx context.Context, key K, world W, decided *Plan[A], m *memory) (*Again, error) {
	var (
		actor  = e.loop.Actor(key, world, Turn{m})
		held   *Again
		failed error
		inline []error
	)
	m.callOffAllBut(decided.wantedTasks())
	for _, step := range decided.All() {
		reporter, reports := step.(Reporter[A])
		if failed != nil && !reports {
			continue
		}
		switch task, ok := step.(Task[A]); {
		case ok && e.options.Inline:
			inline = append(inline, e.take(ctx, step, nil, actor, nil))
		case ok:
			held = earlier(held, e.begin(ctx, key, task, actor, m))
		default:
			if err := e.take(ctx, step, reporter, actor, failed); failed == nil {
				failed = err
			}
		}
	}
	m.spoken(failed)
	if failed == nil {
		failed = errors.Join(inline...)
	}
	return held, failed
}

// take takes one step.
func (e *Engine[K, W, A]) take(ctx context.Context, step Step[A], reporter Reporter[A], actor A, failed error) error {
	ctx, span := startStep(ctx, step)
	var err error
	if reporter != nil {
		err = reporter.Report(ctx, actor, failed)
	} else {
		err = step.Do(ctx, actor)
	}
	span.end(err)
	tookStep(e.options.Name, step.Verb(), err)
	return err
}

func earlier(a, b *Again) *Again {
	if a == nil || b != nil && b.After < a.After {
		return b
	}
	return a
}
