package looptest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// rests checks a world that has come to rest.
func (r *run) rests() {
	for _, p := range r.players {
		r.plansNothing(p)
	}
	if r.spec.Converged != nil {
		if err := r.spec.Converged(r.world); err != nil {
			r.fail("comes to rest too early: %v", err)
		}
	}
	before := r.world.Version()
	for _, p := range r.players {
		r.tell("%s passes over everything once more, and again after a restart", p.loop.Name())
		p.view.CatchUp()
		keys := r.wokenByAll(p)
		for range 2 {
			for _, key := range keys {
				r.pass(p, key)
			}
			r.restart(p)
		}
	}
	r.stopIfBroken()
	if r.world.Version() != before {
		r.fail("is not idempotent: a world at rest was changed by another pass")
	}
}

// plansNothing checks that a loop has no plan for any object. What it applies does not count: that it changes nothing
// shows when it is done.
func (r *run) plansNothing(p *player) {
	for _, key := range r.wokenByAll(p) {
		planned := r.planned(p, key)
		if planned == "" {
			continue
		}
		before := r.world.Version()
		r.pass(p, key)
		r.stopIfBroken()
		if r.world.Version() != before {
			r.fail("was asleep: in a world at rest %s would %s, but nothing that it watches woke it for %s", p.loop.Name(), planned, key)
		}
		r.fail("has no fixpoint: in a world at rest %s still plans for %s: %s", p.loop.Name(), key, planned)
	}
}

// planned is the first thing that a loop plans for an object, in prose; empty if there is none.
func (r *run) planned(p *player, key client.ObjectKey) string {
	decided, err := p.loop.Preview(context.Background(), r.world.Client(p.loop.Name()), key, r.world.Now())
	if errors.Is(err, engine.ErrGone) {
		return ""
	}
	if err != nil {
		r.fail("%s cannot plan for %s in a world at rest: %v", p.loop.Name(), key, err)
	}
	for _, step := range decided.Steps() {
		if _, applies := step.(*plan.Apply); !applies {
			return engine.Sentence(step)
		}
	}
	return ""
}

// failing is an error that some pass ended with and that no later pass for the same object has done away with.
func (r *run) failing() error {
	for _, p := range r.players {
		for _, key := range r.keys(p) {
			if err := p.failed[key]; err != nil {
				return fmt.Errorf("%s still fails for %s: %w", p.loop.Name(), key, err)
			}
		}
	}
	return nil
}

// wait lets time pass in a world that has been quiet for some rounds, for a second at least: at first until some loop
// wants to look again, and then until all have. One that looks again every second must not hide one that does in an hour.
func (r *run) wait(quiet int) {
	d := time.Second
	if dues := r.dues(); len(dues) > 0 {
		until := dues[0]
		if quiet > quietRounds/2 {
			until = dues[len(dues)-1]
		}
		d = max(d, until.Sub(r.world.Now()))
	}
	r.world.Step(d)
}

// dues are the times at which loops want to look again, in order.
func (r *run) dues() []time.Time {
	var dues []time.Time
	for _, p := range r.players {
		dues = slices.AppendSeq(dues, maps.Values(p.due))
	}
	slices.SortFunc(dues, time.Time.Compare)
	return dues
}
