package engine_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/engine"
)

// counting is a loop whose every plan remembers how many there have been, and whether the last failed; and what its looks saw.
func counting(step *step) (*lamps, *[]any) {
	l, seen := newLamps(), &[]any{}
	count := 0
	l.observe = func(look engine.Look, key string) error {
		*seen = append(*seen, look.Remembered(key))
		return nil
	}
	l.plan = func(p *engine.Plan[*lamps], _ string) {
		count++
		n := count
		p.Do(*step)
		p.Remember(func(failed error) any { return fmt.Sprintf("plan %d, %v", n, failed) })
	}
	return l, seen
}

func TestALookSeesWhatTheLastPlanLeft(t *testing.T) {
	step := &step{does: "light"}
	l, seen := counting(step)
	e := l.engine()
	e.Pass(t.Context(), "hall")
	step.err = errBroken
	e.Pass(t.Context(), "hall")
	e.Pass(t.Context(), "hall")
	if diff := cmp.Diff([]any{nil, "plan 1, <nil>", "plan 2, broken"}, *seen); diff != "" {
		t.Error(diff)
	}
}

func TestALookSeesWhatPlansForOtherKeysLeft(t *testing.T) {
	l, _ := counting(&step{does: "light"})
	e := l.engine()
	e.Pass(t.Context(), "hall")
	var seen []any
	l.observe = func(look engine.Look, _ string) error {
		seen = append(seen, look.Remembered("hall"), look.Remembered("cellar"), look.Remembered(1))
		return nil
	}
	e.Pass(t.Context(), "kitchen")
	if diff := cmp.Diff([]any{"plan 1, <nil>", nil, nil}, seen); diff != "" {
		t.Error(diff)
	}
}

func TestWhatAPlanDoesNotSayStays(t *testing.T) {
	l, seen := counting(&step{does: "light"})
	e := l.engine()
	e.Pass(t.Context(), "hall")
	l.plan = nil
	e.Pass(t.Context(), "hall")
	e.Pass(t.Context(), "hall")
	if diff := cmp.Diff([]any{nil, "plan 1, <nil>", "plan 1, <nil>"}, *seen); diff != "" {
		t.Error(diff)
	}
}

func TestAPreviewSeesWhatIsRememberedAndLeavesNothing(t *testing.T) {
	l, seen := counting(&step{does: "light"})
	e := l.engine()
	e.Pass(t.Context(), "hall")
	for range 2 {
		if _, err := e.Preview(context.Background(), "hall"); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]any{nil, "plan 1, <nil>", "plan 1, <nil>"}, *seen); diff != "" {
		t.Error(diff)
	}
}

func TestAKeyThatIsGoneLeavesNothing(t *testing.T) {
	l, seen := counting(&step{does: "light"})
	e := l.engine()
	e.Pass(t.Context(), "hall")
	observe := l.observe
	l.observe = func(engine.Look, string) error { return engine.ErrGone }
	e.Pass(t.Context(), "hall")
	l.observe = observe
	e.Pass(t.Context(), "hall")
	if diff := cmp.Diff([]any{nil, nil}, *seen); diff != "" {
		t.Error(diff)
	}
}
