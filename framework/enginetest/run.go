package enginetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	testingclock "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"
)

// run is one model and what happens in it.
type run[K comparable, W, A, M any] struct {
	t      *rapid.T
	spec   *Spec[K, W, A, M]
	env    *Env
	model  M
	order  *rand.Rand
	story  []string
	broken error // the first thing that went wrong

	// What follows is lost with the loop's process.
	engine  *engine.Engine[K, W, A]
	looks   map[K]engine.Look
	decided map[K]*engine.Plan[A]
	due     map[K]time.Time
	failed  map[K]error
	ended   chan K // a task has ended

	mu         sync.Mutex
	registered *sync.Cond
	pending    []*pending[K]
}

// pending is a task that is under way, and has done nothing yet.
type pending[K comparable] struct {
	key   K
	name  string
	lives chan bool // whether the process has lived long enough for it to go on
}

func newRun[K comparable, W, A, M any](t *rapid.T, spec *Spec[K, W, A, M], order *rand.Rand) *run[K, W, A, M] {
	r := &run[K, W, A, M]{t: t, spec: spec, order: order}
	r.registered = sync.NewCond(&r.mu)
	r.env = &Env{clock: testingclock.NewFakeClock(Begin), tell: r.tell, done: r.check}
	r.env.done = func(string) {} // what is not there yet cannot be wrong
	r.model = spec.Start(t, r.env)
	r.env.done = r.check
	r.begin()
	return r
}

// begin starts the loop afresh.
func (r *run[K, W, A, M]) begin() {
	r.env.crashed = false
	ended := make(chan K, 1)
	r.ended = ended
	r.looks, r.decided, r.due, r.failed = map[K]engine.Look{}, map[K]*engine.Plan[A]{}, map[K]time.Time{}, map[K]error{}
	r.engine = engine.New(watched[K, W, A, M]{r.spec.Loop(r.model), r}, engine.Options[K]{
		Name: "checked", Clock: r.env.clock, Wake: func(key K) { ended <- key },
	})
}

// restart ends the loop's process and starts another. What was under way has not been done, and never will be.
func (r *run[K, W, A, M]) restart() {
	r.env.Tell("the loop restarts")
	r.env.crashed = true
	for len(r.pending) > 0 {
		r.end(0, false)
	}
	r.begin()
}

// pass makes a pass for a key.
func (r *run[K, W, A, M]) pass(key K) {
	defer r.recovers("a pass for ", key)
	outcome := r.engine.Pass(r.t.Context(), key)
	r.awaitBegun(key)
	delete(r.due, key)
	delete(r.failed, key)
	switch {
	case r.env.crashed:
		r.restart()
	case outcome.Err != nil && !outcome.Final:
		r.failed[key] = outcome.Err
	case outcome.After > 0:
		r.due[key] = r.env.Now().Add(outcome.After)
	}
	if outcome.Err != nil {
		r.env.Tell("%v: %v", key, outcome.Err)
	}
}

// awaitBegun waits until the tasks that a pass has begun have come to where they are held.
func (r *run[K, W, A, M]) awaitBegun(key K) {
	look, observed := r.looks[key]
	if !observed {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		held := 0
		for _, p := range r.pending {
			if p.key == key {
				held++
			}
		}
		if held == len(look.Tasks()) {
			return
		}
		r.registered.Wait()
	}
}

// let lets a task do what it does.
func (r *run[K, W, A, M]) let(n int) {
	r.end(n, true)
	if r.env.crashed {
		r.restart()
	}
}

func (r *run[K, W, A, M]) end(n int, lives bool) {
	r.mu.Lock()
	p := r.pending[n]
	r.pending = slices.Delete(r.pending, n, n+1)
	r.mu.Unlock()
	p.lives <- lives
	<-r.ended
}

// hold holds a task until it is let go, and reports whether it may do what it does.
func (r *run[K, W, A, M]) hold(key K, name string) bool {
	p := &pending[K]{key: key, name: name, lives: make(chan bool)}
	r.mu.Lock()
	r.pending = append(r.pending, p)
	slices.SortStableFunc(r.pending, func(a, b *pending[K]) int { // those of one pass come in any order
		return strings.Compare(fmt.Sprint(a.key, a.name), fmt.Sprint(b.key, b.name))
	})
	r.mu.Unlock()
	r.registered.Broadcast()
	return <-p.lives
}

// check checks the invariant after something was done.
func (r *run[K, W, A, M]) check(what string) {
	if r.spec.Invariant == nil {
		return
	}
	if err := r.spec.Invariant(r.model); err != nil {
		r.breaks(fmt.Errorf("breaks its invariant after %s: %w", what, err))
	}
}

func (r *run[K, W, A, M]) recovers(what string, key K) {
	if v := recover(); v != nil {
		r.breaks(fmt.Errorf("sees a panic in %s%v: %v\n%s", what, key, v, debug.Stack()))
	}
}

// breaks notes that something went wrong. The test ends when the present event does.
func (r *run[K, W, A, M]) breaks(err error) {
	if r.broken == nil {
		r.broken = err
		r.env.Tell("HERE: %v", err)
	}
}

func (r *run[K, W, A, M]) stopIfBroken() {
	if r.broken != nil {
		r.fail("%v", r.broken)
	}
}

// tell adds a line to the story.
func (r *run[K, W, A, M]) tell(line string) {
	at := r.env.Now().Sub(Begin).Round(time.Millisecond)
	r.story = append(r.story, fmt.Sprintf("%9s  %s", at, line))
}

// fail ends the test with the story of this model.
func (r *run[K, W, A, M]) fail(format string, args ...any) {
	r.t.Logf("the story of this world:\n%s", strings.Join(r.story, "\n"))
	r.t.Fatalf("the world "+format, args...)
}

// watched is the loop under test. Its observations and plans are noted, and its steps can go wrong.
type watched[K comparable, W, A, M any] struct {
	engine.Loop[K, W, A]
	run *run[K, W, A, M]
}

func (l watched[K, W, A, M]) Observe(ctx context.Context, look engine.Look, key K) (W, error) {
	l.run.looks[key] = look
	return l.Loop.Observe(ctx, look, key)
}

func (l watched[K, W, A, M]) Plan(key K, world W, now time.Time) *engine.Plan[A] {
	decided := l.Loop.Plan(key, world, now)
	l.run.decided[key] = decided
	plan := &engine.Plan[A]{}
	for _, step := range decided.All() {
		plan.Do(l.run.wrap(key, step))
	}
	if again := decided.Again(); again != nil {
		plan.After(again.After, again.Why)
	}
	return plan
}
