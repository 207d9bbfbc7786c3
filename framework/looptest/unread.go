package looptest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/merge"
	"github.com/orrery-dev/orrery/framework/plan"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// randomUnread has a loop decide for a key, and then once more while one of its reads fails, or all of one kind. Nothing of it is done.
func (r *run) randomUnread(t *rapid.T) {
	p := r.randomPlayer(t)
	keys := r.keys(p)
	if len(keys) == 0 {
		return
	}
	key := keys[rapid.IntRange(0, len(keys)-1).Draw(t, "object")]
	sound := &line{}
	whole, err := r.decided(p, key, sound)
	if err != nil || sound.count == 0 {
		return
	}
	broken := &line{fault: rapid.SampledFrom(r.readFaults()).Draw(t, "fault"), after: rapid.IntRange(0, sound.count-1).Draw(t, "after reads")}
	what := fmt.Sprintf("its read number %d ends with %s", broken.after+1, broken.fault)
	if rapid.Bool().Draw(t, "all of a kind") {
		kind := rapid.SampledFrom(sound.kinds()).Draw(t, "kind")
		broken = &line{outage: outage{kind, broken.fault}}
		what = fmt.Sprintf("every read of %s ends with %s", kind.Kind, broken.outage.fault)
	}
	less, err := r.decided(p, key, broken)
	if err := misled(whole, less, err, r.spec.Part); err != nil {
		r.breaks(fmt.Errorf("%s %s, where %s, %w", p.loop.Name(), key, what, err))
	}
}

// decided is what a loop decides for a key, by what it knows of the world, without memory.
func (r *run) decided(p *player, key client.ObjectKey, over *line) (decided *plan.Plan, err error) {
	defer func() {
		if v := recover(); v != nil {
			r.breaks(fmt.Errorf("%s panics at %s: %v\n%s", p.loop.Name(), key, v, debug.Stack()))
		}
	}()
	order := p.view.order
	p.view.order = nil // so that two decisions differ in nothing else
	defer func() { p.view.order = order }()
	over.note = func(string, ...any) {}
	read := &worldClient{reader: reader{r.world, p.view}, by: p.loop.Name(), line: over}
	return p.loop.Preview(context.Background(), read, key, r.world.Now())
}

// misled says what is wrong with what was decided when a read failed: with the plan, or with the error that there was instead of one.
func misled(whole, less *plan.Plan, err error, part func(part, whole plan.Step) bool) error {
	var (
		stop *engine.StopError
		wait *engine.WaitError
	)
	switch {
	case errors.Is(err, engine.ErrGone):
		return errors.New("takes that for the end of its object")
	case errors.As(err, &stop):
		return fmt.Errorf("does not try again before something changes: %w", err)
	case errors.As(err, &wait):
		return fmt.Errorf("waits, and tells nobody: %w", err)
	case err != nil:
		return nil //nolint:nilerr // it is logged, and tried again
	}
	for _, step := range less.Steps() {
		does := func(other plan.Step) bool {
			return other.String() == step.String() || saysLess(step, other) || part != nil && part(step, other)
		}
		if !saysSo(step) && !slices.ContainsFunc(whole.Steps(), does) {
			return fmt.Errorf("would %s, and otherwise would not", engine.Sentence(step))
		}
	}
	if !sameSteps(whole, less) && !slices.ContainsFunc(less.All(), saysSo) {
		return fmt.Errorf("decides something else, and tells nobody why: %s", less)
	}
	return nil
}

func sameSteps(a, b *plan.Plan) bool {
	return slices.EqualFunc(a.Steps(), b.Steps(), func(a, b plan.Step) bool { return a.String() == b.String() })
}

// saysSo reports whether a step says that a read failed: in its reason, in an event or in a status, be it that this has been written
// before.
func saysSo(step plan.Step) bool {
	if status, ok := step.(*plan.Status); ok {
		return strings.Contains(text(status.Wanted()), made)
	}
	return strings.Contains(engine.Sentence(step), made)
}

// saysLess reports whether a step writes of a status a part of what another writes of it.
func saysLess(step, other plan.Step) bool {
	less, ok := step.(*plan.Status)
	all, are := other.(*plan.Status)
	return ok && are && nameOf(all.Observed()) == nameOf(less.Observed()) && within(changesOf(less), changesOf(all))
}

// changesOf is the patch of a status, as JSON.
func changesOf(status *plan.Status) any {
	var changes any
	if err := json.Unmarshal([]byte(merge.Difference(status.Observed(), status.Wanted()).String()), &changes); err != nil {
		panic(err) // it was made from JSON
	}
	return changes
}

// within reports whether all fields of one value have the same value in another.
func within(part, whole any) bool {
	fields, ok := part.(map[string]any)
	others, are := whole.(map[string]any)
	if !ok || !are {
		return reflect.DeepEqual(part, whole)
	}
	for field, value := range fields {
		if other, has := others[field]; !has || !within(value, other) {
			return false
		}
	}
	return true
}

// text is an object as JSON.
func text(obj client.Object) string {
	data, err := json.Marshal(obj)
	if err != nil {
		panic(err) // it is of an API
	}
	return string(data)
}
