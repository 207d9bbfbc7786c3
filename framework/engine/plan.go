package engine

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Step is one action of a plan, taken with an actor of the type A.
type Step[A any] interface {
	// Verb is one lower-case word for the kind of the step ("create"). It labels metrics and spans.
	Verb() string

	// String says what the step does, as in "create ReplicaSet default/web-5d8f". It is the same for the same step.
	String() string

	// Why is the sentence that says what the step is for, with the numbers that decided it; empty where String says it.
	Why() string

	// Do takes the step. It must be safe to do again after it failed halfway, or after it succeeded and nobody learned of
	// it. The error says what happens next: see [Wait], [Stop] and [Retry].
	Do(ctx context.Context, act A) error
}

// Reporter is a step that says how far the others came, and is therefore taken also after one of them has failed.
type Reporter[A any] interface {
	Step[A]

	// Report is Do for a step that is told how the steps before it went: failed is the first error of theirs, or nil.
	Report(ctx context.Context, act A, failed error) error
}

// Idler is a step that may turn out to change nothing. While it is idle it is not counted among the steps of a plan, which
// may then be empty; it is taken all the same, as a report on steps that fail may have something to say after all.
type Idler interface{ Idle() bool }

// Plan is what a loop has decided to do next, with actors of the type A. The zero value is an empty plan: nothing is to be
// done. All methods that read it accept nil, which is an empty plan as well.
type Plan[A any] struct {
	steps []Step[A]
	again *Again
	idle  string
	leave func(failed error) any
}

// Again says when to look again, and why.
type Again struct {
	// After counts from the moment of planning, and is above zero.
	After time.Duration
	// Why is a sentence, as in "the progress deadline passes then".
	Why string
}

// Do adds a step.
func (p *Plan[A]) Do(step Step[A]) { p.steps = append(p.steps, step) }

// After asks to look again after d; of several the earliest counts. A d of zero or less asks to look again at once.
func (p *Plan[A]) After(d time.Duration, why string) {
	d = max(d, time.Millisecond)
	if p.again == nil || d < p.again.After {
		p.again = &Again{After: d, Why: why}
	}
}

// Because says why there may be nothing to do: what the loop waits for. Of several sentences the first counts, and none
// where there are steps.
func (p *Plan[A]) Because(why string) {
	if p.idle == "" {
		p.idle = why
	}
}

// Remember leaves something to later looks, in the place of what an earlier plan for the key left: see [Look.Remembered]. what is
// called when the steps have been taken, with the error that they ended with, or nil. It must be pure, and what it returns must not
// be changed any more. It is no step: a plan that only remembers is empty. Of several the last counts.
func (p *Plan[A]) Remember(what func(failed error) any) { p.leave = what }

// Steps are the steps that change something, in order.
func (p *Plan[A]) Steps() []Step[A] {
	if p == nil {
		return nil
	}
	steps := make([]Step[A], 0, len(p.steps))
	for _, step := range p.steps {
		if idler, ok := step.(Idler); ok && idler.Idle() {
			continue
		}
		steps = append(steps, step)
	}
	return steps
}

// All are the steps in order, with those that are idle.
func (p *Plan[A]) All() []Step[A] {
	if p == nil {
		return nil
	}
	return p.steps
}

// Again is when to look again; nil means when something changes.
func (p *Plan[A]) Again() *Again {
	if p == nil {
		return nil
	}
	return p.again
}

// Empty reports that there is nothing to do now. A plan that only asks to look again is empty.
func (p *Plan[A]) Empty() bool { return len(p.Steps()) == 0 }

// String is the plan in prose, a line a step; "nothing to do" for an empty one, with the reason if there is one.
func (p *Plan[A]) String() string {
	var lines []string
	for _, step := range p.Steps() {
		lines = append(lines, Sentence(step))
	}
	switch {
	case len(lines) > 0:
	case p != nil && p.idle != "":
		lines = append(lines, "nothing to do: "+p.idle)
	default:
		lines = append(lines, "nothing to do")
	}
	if again := p.Again(); again != nil {
		lines = append(lines, fmt.Sprintf("look again in %s: %s", again.After.Round(time.Millisecond), again.Why))
	}
	return strings.Join(lines, "\n")
}

// Sentence is a step with its reason.
func Sentence[A any](step Step[A]) string {
	if why := step.Why(); why != "" {
		return step.String() + ": " + why
	}
	return step.String()
}
