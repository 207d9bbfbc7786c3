package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/bench/internal/child"
)

const (
	// glance is how often it is looked whether a step is done.
	glance = 20 * time.Millisecond
	// quiet is for how long a manager writes nothing when it is at rest, and quietest how long that is waited for.
	quiet    = 2 * time.Second
	quietest = 2 * time.Minute
)

// step is a part of a workload that is measured by itself.
type step struct {
	name string
	// objects is how many objects it is about.
	objects int
	// do is what users do; nil is nothing.
	do func(ctx context.Context) error
	// done says what there is, and whether that is what the step is to come to.
	done func() (string, bool)
	// holds says what is wrong with the result; nil looks no closer than done.
	holds func(ctx context.Context) error
}

// step measures a step.
func (g *stage) step(ctx context.Context, s step) error {
	g.say.Phase(s.name)
	before, err := g.read(ctx)
	if err != nil {
		return err
	}
	endProfile, err := g.profile(ctx, s.name)
	if err != nil {
		return err
	}
	began := time.Now()
	if s.do != nil {
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	if err := g.until(ctx, s.name, s.done); err != nil {
		return err
	}
	took := time.Since(began)
	if err := errors.Join(g.rest(ctx), endProfile()); err != nil {
		return err
	}
	after, err := g.read(ctx)
	if err != nil {
		return err
	}
	if s.holds != nil {
		if err := s.holds(ctx); err != nil {
			return fmt.Errorf("wrong result of %s: %w", s.name, err)
		}
	}
	g.steps = append(g.steps, figuresOf(s, took, before, after))
	return nil
}

// read reads what everybody has used so far. A manager that does not run has used nothing, so that what it takes it to start is
// counted.
func (g *stage) read(ctx context.Context) (r readings, err error) {
	if _, err := g.tally.read(); err != nil {
		return r, err
	}
	r.requests = map[request]int{}
	for what, n := range g.tally.counts {
		r.requests[what] = n
	}
	if r.server, err = g.server.Usage(ctx); err != nil {
		return r, err
	}
	r.driver = child.Own()
	if g.manager != nil {
		r.manager, err = g.manager.Usage(ctx)
	}
	return r, err
}

// until waits for something.
func (g *stage) until(ctx context.Context, what string, done func() (string, bool)) error {
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	timeout := time.NewTimer(g.settings.timeout)
	defer timeout.Stop()
	for {
		seen, ok := done()
		if ok {
			return nil
		}
		g.say.Detail(seen)
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s, seen last: %s: %w", what, seen, ctx.Err())
		case <-timeout.C:
			return fmt.Errorf("waiting for %s: it took more than %s, seen last: %s", what, g.settings.timeout, seen)
		case <-ticker.C:
		}
	}
}

// rest waits until the manager has written nothing for a while.
func (g *stage) rest(ctx context.Context) error {
	began, last := time.Now(), time.Now()
	ticker := time.NewTicker(quiet / 10)
	defer ticker.Stop()
	for time.Since(last) < quiet {
		writes, err := g.tally.read()
		if err != nil {
			return err
		}
		if writes > 0 {
			last = time.Now()
		}
		if time.Since(began) > quietest {
			return fmt.Errorf("the manager still writes %s after the result was there", quietest)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
	return nil
}

// profile starts profiles of the manager, if they are wanted. The returned function ends and writes them.
func (g *stage) profile(ctx context.Context, name string) (end func() error, err error) {
	if g.settings.profiles == "" || g.manager == nil {
		return func() error { return nil }, nil
	}
	write, err := g.manager.Profile(ctx)
	if err != nil {
		return nil, err
	}
	return func() error { return write(g.profilePath(name)) }, nil
}
