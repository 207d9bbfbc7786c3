package enginetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"pgregory.net/rapid"
)

// Spec says what Check needs to know about a loop over keys K, whose passes see worlds W and act with actors A, in a model M of
// the real world. Start, Loop, Keys and State are required.
type Spec[K comparable, W, A, M any] struct {
	// Start draws a model to begin with. It tells the time by env's clock.
	Start func(t *rapid.T, env *Env) M

	// Loop begins the loop in a model afresh, as a new process does: it remembers nothing.
	Loop func(model M) engine.Loop[K, W, A]

	// Keys are those that a pass can be made for now. It is asked before every pass, so that whatever news the loop gets
	// from elsewhere can be handed to it here.
	Keys func(model M) []K

	// State is all of a model that counts, in words that are equal for equal models.
	State func(model M) string

	// Change is something that happens at any time before the model is left alone: what a user does, or what breaks. Nil
	// means that nothing does.
	Change func(t *rapid.T, model M)

	// Calm mends what Change may have broken for good, as a service that is down. Then the model is left alone. Nil mends nothing.
	Calm func(model M)

	// Invariant says what is wrong with a model after a step or call; nil holds nothing.
	Invariant func(model M) error

	// Converged says what is wrong with a model that has come to rest; nil accepts any.
	Converged func(model M) error

	// Quiet is for how long nothing may change before a model counts as being at rest: longer than what the loop ever waits
	// for. 0 means 10 minutes.
	Quiet time.Duration

	// Patience is how many rounds, in each of which every key has a pass, a model may take to come to rest; 0 means 500.
	Patience int
}

// Check tries random models and fails the test on the first, made as small as possible, in which the loop
//
//   - breaks the invariant or panics;
//   - does not come to rest once it is left alone, or rests where Converged says that it should not, or with a plan that is
//     not empty;
//   - changes a model at rest by passing over it once more, with or without memory.
//
// It then tells the story of that model. How many models it tries is -rapid.checks (100 by default, a fifth with -short), and
// each is about -rapid.steps (30) events long.
func Check[K comparable, W, A, M any](t rapid.TB, spec Spec[K, W, A, M]) {
	t.Helper()
	if spec.Quiet == 0 {
		spec.Quiet = 10 * time.Minute
	}
	if spec.Patience == 0 {
		spec.Patience = 500
	}
	rapid.Check(t, func(t *rapid.T) {
		r := newRun(t, &spec, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0)))
		r.disturb(t)
		r.settle()
		r.rests()
	})
}

// disturb lets random things happen.
func (r *run[K, W, A, M]) disturb(t *rapid.T) {
	events := map[string]func(*rapid.T){
		"":          func(*rapid.T) { r.stopIfBroken() },
		"pass":      r.randomPass,
		"again":     r.randomPass, // twice as often as anything else
		"task ends": r.randomTask,
		"round":     func(*rapid.T) { r.round() }, // or else little would ever come to its end
		"time":      func(t *rapid.T) { r.env.step(rapid.IntRange(1, 60_000).Draw(t, "milliseconds")) },
		"restart":   func(*rapid.T) { r.restart() },
	}
	if r.spec.Change != nil {
		events["change"] = func(t *rapid.T) { r.spec.Change(t, r.model); r.check("a change") }
	}
	t.Repeat(events)
}

func (r *run[K, W, A, M]) randomPass(t *rapid.T) {
	if keys := r.keys(); len(keys) > 0 {
		key := keys[rapid.IntRange(0, len(keys)-1).Draw(t, "key")]
		r.withFault(t, func() { r.pass(key) })
	}
}

func (r *run[K, W, A, M]) randomTask(t *rapid.T) {
	if len(r.pending) > 0 {
		n := rapid.IntRange(0, len(r.pending)-1).Draw(t, "task")
		r.withFault(t, func() { r.let(n) })
	}
}

// withFault does something in which one step or call may go wrong.
func (r *run[K, W, A, M]) withFault(t *rapid.T, do func()) {
	if number := rapid.IntRange(0, 3*len(faults)).Draw(t, "fault"); number > 0 && number <= len(faults) {
		r.env.fault, r.env.after = faults[number-1], rapid.IntRange(0, 3).Draw(t, "after calls")
	}
	do()
	r.env.fault = noFault
}

// settle leaves the model alone until nothing changes any more.
func (r *run[K, W, A, M]) settle() {
	r.env.Tell("from here on, nothing disturbs the world")
	if r.spec.Calm != nil {
		r.spec.Calm(r.model)
	}
	quiet := time.Duration(0)
	for range r.spec.Patience {
		before := r.spec.State(r.model)
		r.round()
		r.stopIfBroken()
		switch {
		case r.spec.State(r.model) != before:
			quiet = 0
		case quiet >= r.spec.Quiet && len(r.failed) == 0:
			return
		default:
			quiet += r.wait()
		}
	}
	for key, err := range r.failed {
		r.fail("does not come to rest: after %d rounds, %v fails: %v", r.spec.Patience, key, err)
	}
	r.fail("does not come to rest: something still changes after %d rounds", r.spec.Patience)
}

// many bounds what may be done in one round.
const many = 1000

// round lets everything be done that there is to do now.
func (r *run[K, W, A, M]) round() {
	for n := 0; n == 0 || len(r.pending) > 0; n++ {
		for len(r.pending) > 0 {
			r.let(r.order.IntN(len(r.pending)))
		}
		keys := r.keys()
		for _, k := range r.order.Perm(len(keys)) {
			r.pass(keys[k])
		}
		if r.stopIfBroken(); n > many {
			r.fail("does not come to rest: one task follows the other")
		}
	}
}

// keys are those of the model, and those that are to be tried again although it does not have them any more.
func (r *run[K, W, A, M]) keys() []K {
	keys := slices.Clone(r.spec.Keys(r.model))
	for key := range r.failed {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b K) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return keys
}

// wait lets time pass until some key wants to look again, and says how long that was.
func (r *run[K, W, A, M]) wait() time.Duration {
	now, next := r.env.Now(), r.env.Now().Add(time.Minute)
	for _, due := range r.due {
		if due.After(now) && due.Before(next) {
			next = due
		}
	}
	r.env.clock.SetTime(next)
	return next.Sub(now)
}

// roundsAtRest is how often everything is passed over that is at rest.
const roundsAtRest = 4

// rests checks a model that has come to rest.
func (r *run[K, W, A, M]) rests() {
	for _, key := range r.spec.Keys(r.model) {
		if plan, ok := r.plans(key); ok && !plan.Empty() {
			r.fail("rests, but the plan for %v is not empty:\n%s", key, plan)
		}
	}
	if r.spec.Converged != nil {
		if err := r.spec.Converged(r.model); err != nil {
			r.fail("comes to rest too early: %v\n%s", err, r.allPlans())
		}
	}
	before := r.spec.State(r.model)
	for _, memory := range []string{"with memory", "without memory"} {
		if memory == "without memory" {
			r.restart()
		}
		for range roundsAtRest {
			r.round()
			r.stopIfBroken()
			if after := r.spec.State(r.model); after != before {
				r.fail("is changed by passes over it when it rests, %s; it was\n%s\nand is\n%s", memory, before, after)
			}
		}
	}
}

// plans is what the loop would do next for a key, if there still is anything with it.
func (r *run[K, W, A, M]) plans(key K) (*engine.Plan[A], bool) {
	plan, err := r.engine.Preview(r.t.Context(), key)
	return plan, err == nil
}

func (r *run[K, W, A, M]) allPlans() string {
	var told []string
	for _, key := range r.spec.Keys(r.model) {
		if _, ok := r.plans(key); ok {
			told = append(told, fmt.Sprintf("the plan for %v: %s", key, r.decided[key]))
		}
	}
	return strings.Join(told, "\n")
}
