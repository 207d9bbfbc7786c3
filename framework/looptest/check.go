package looptest

import (
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Spec says what Check needs to know about some loops. Scheme, Loops and Start are required.
type Spec struct {
	// Scheme has the kinds that the loops read and write.
	Scheme *runtime.Scheme

	// Loops are the loops to check, together. They take turns in any order.
	Loops []loop.Loop

	// Start draws the objects that a world begins with. They are stored as they are, status and all.
	Start func(t *rapid.T) []client.Object

	// Prepare sets up a new world before anything happens in it: World.Graceful, World.Refuse and so on. Nil leaves
	// it as NewWorld made it. The indexes of the loops are there by themselves.
	Prepare func(w *World)

	// Change is something that a user does, at any time before the world is left to settle: a new image, other
	// replicas, a deletion. Nil means that users do nothing.
	Change func(t *rapid.T, w *World)

	// Environment is one small step of the rest of a cluster, as when a kubelet makes one pod ready; pick(n) chooses
	// one of n possibilities. It reports whether there was anything to do, and must come to an end. Nil means that
	// there is no rest.
	Environment func(w *World, pick func(n int) int) bool

	// Invariants hold after every write, whoever wrote.
	Invariants []Invariant

	// Converged says what is wrong with a world that has come to rest; nil accepts any.
	Converged func(w *World) error

	// Faults are what may go wrong; nil means everything that this package knows, an empty slice nothing.
	Faults []Fault

	// Part says that one step does a part of what another does, for steps of a loop's own that do what they can when a read has
	// failed. Nil means that no step does, but a status that says less.
	Part func(part, whole plan.Step) bool

	// OwnCollector leaves the garbage collection by owner references to the loops. By default the world does it.
	OwnCollector bool

	// AlwaysAwake lets every loop pass over everything in every round, for loops that are woken by what their Watches do
	// not say: a graph of their own, or another loop's reconciler. By default they are woken by their Watches alone.
	AlwaysAwake bool

	// CurrentLists says that the first lists of the loops hold all that was written before they were asked for, as in a
	// manager whose cache makes its informers by loop.NewInformer, or where the API server streams first lists (the default
	// of Kubernetes 1.34 and later). By default the first list of a loop that restarts may be older, of each kind for
	// itself, than what the loop wrote before: an API server answers a list at resourceVersion "0" with what its watch
	// cache has. Then a loop that names its objects at random and counts them by a list makes too many.
	CurrentLists bool

	// Patience is how many rounds, in each of which every loop passes over what it was woken for, a world may take to
	// come to rest once it is left alone; 0 means 200.
	Patience int
}

// Invariant says what is wrong with a world after a write; nil means nothing. All objects in it are as they are, and
// must not be changed.
type Invariant func(w *World, wrote Write) error

// Check tries random worlds and fails the test on the first, made as small as possible, in which the loops
//
//   - break an invariant, or panic (crash safety: passes are interrupted at any write, reads fail, answers get lost or are
//     refused, loops restart without memory and, unless CurrentLists says otherwise, from lists that are older than what they
//     wrote, run twice, in any order, and read a world that is behind);
//   - decide from a read that failed: when one of its reads fails, or all of a kind, Observe ends with an error that is neither
//     engine.ErrGone nor marked as one to wait or to stop for, or the plan has only steps that it has otherwise, parts of
//     them, and what says that the read failed;
//   - go on writing, or look again within less than a second for ever, while they can read nothing of a kind;
//   - change what they read without a copy, by client.UnsafeDisableDeepCopy;
//   - do not come to rest once they are left alone, or rest where Converged says that they should not, or with a plan
//     that is not empty (fixpoint): left alone, a loop is only woken by what it watches, and by the time;
//   - change a world at rest by passing over it once more, with or without memory (idempotence).
//
// It then tells the story of that world. How many worlds it tries is -rapid.checks (100 by default, a fifth with
// -short) or RAPID_CHECKS; each is about -rapid.steps (30) events long. The seed is random and printed; -rapid.seed and
// -rapid.failfile repeat a run exactly.
func Check(t rapid.TB, spec Spec) {
	t.Helper()
	if spec.Patience == 0 {
		spec.Patience = defaultPatience
	}
	if spec.Faults == nil {
		spec.Faults = faults
	}
	rapid.Check(t, func(t *rapid.T) {
		order := rapid.Uint64().Draw(t, "order")
		r := newRun(t, &spec, order, spec.Start(t))
		for _, p := range r.players {
			p.view.order = r.order
		}
		r.disturb(t)
		r.randomOutage(t)
		r.settle()
		r.rests()
	})
}

// defaultPatience is how many rounds a world may take to come to rest.
const defaultPatience = 200

// quietRounds is how many rounds without a change make a rest. Between them time passes.
const quietRounds = 4

// disturb lets random things happen.
func (r *run) disturb(t *rapid.T) {
	events := map[string]func(*rapid.T){
		"":        func(*rapid.T) { r.stopIfBroken() },
		"pass":    r.randomPass,
		"again":   r.randomPass, // twice as often as anything else
		"news":    r.randomNews,
		"time":    r.randomTime,
		"restart": r.randomRestart,
	}
	if r.spec.Change != nil {
		events["change"] = func(t *rapid.T) { r.spec.Change(t, r.world) }
	}
	if len(r.readFaults()) > 0 {
		events["unread"] = r.randomUnread
	}
	if r.spec.Environment != nil {
		events["environment"] = func(t *rapid.T) {
			r.environment(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") })
		}
	}
	if !r.spec.OwnCollector {
		events["collect"] = func(*rapid.T) { r.world.Collect() }
	}
	if !r.spec.CurrentLists {
		r.age = func(k *kind) int { return r.randomAge(t, k) }
	}
	t.Repeat(events)
	r.age = nil
}

// oldest is how many changes of its kind the first list of a loop that restarts may be behind.
const oldest = 8

func (r *run) randomPlayer(t *rapid.T) *player {
	return r.players[rapid.IntRange(0, len(r.players)-1).Draw(t, "loop")]
}

func (r *run) randomPass(t *rapid.T) {
	p := r.randomPlayer(t)
	keys := r.keys(p)
	if len(keys) == 0 {
		return
	}
	key := keys[rapid.IntRange(0, len(keys)-1).Draw(t, "object")]
	if number := rapid.IntRange(0, 2*len(r.spec.Faults)).Draw(t, "fault"); number > 0 && number <= len(r.spec.Faults) {
		p.line.fault = r.spec.Faults[number-1]
		p.line.after = rapid.IntRange(0, 3).Draw(t, "after others")
	}
	r.pass(p, key)
	p.line.fault = NoFault
}

func (r *run) randomNews(t *rapid.T) {
	p := r.randomPlayer(t)
	behind := p.view.Behind()
	if len(behind) == 0 {
		return
	}
	kind := behind[rapid.IntRange(0, len(behind)-1).Draw(t, "kind")]
	p.view.See(kind, rapid.IntRange(1, 8).Draw(t, "changes"))
}

func (r *run) randomTime(t *rapid.T) {
	r.world.Step(time.Duration(rapid.IntRange(1, 60_000).Draw(t, "milliseconds")) * time.Millisecond)
}

func changes(n int) string {
	if n == 1 {
		return "a change"
	}
	return fmt.Sprintf("%d changes", n)
}

// randomAge is how old the first list of a kind is: as often as not it is current.
func (r *run) randomAge(t *rapid.T, k *kind) int {
	age := rapid.IntRange(0, 2*oldest).Draw(t, "age of the first list")
	if age > oldest {
		age = 0
	}
	if age = min(age, len(k.changes)); age > 0 {
		r.tell("%s is listed as it was %s ago", k.gvk.Kind, changes(age))
	}
	return age
}

func (r *run) randomRestart(t *rapid.T) { r.restart(r.randomPlayer(t)) }

// settle leaves the world alone until nothing changes any more.
func (r *run) settle() {
	r.tell("from here on, nothing disturbs the world")
	if r.rest(func() bool { return r.failing() == nil }) {
		return
	}
	if err := r.failing(); err != nil {
		r.fail("does not come to rest: after %d rounds, %v", r.spec.Patience, err)
	}
	r.fail("does not come to rest: something still changes after %d rounds", r.spec.Patience)
}

// rest lets everybody do what there is to do until nothing changes any more and that is enough. It reports whether it came to that.
func (r *run) rest(enough func() bool) bool {
	quiet := 0
	for range r.spec.Patience {
		before := r.world.Version()
		r.round()
		r.stopIfBroken()
		if r.world.Version() != before {
			quiet = 0
			continue
		}
		if quiet++; quiet > quietRounds && enough() {
			return true
		}
		r.wait(quiet)
	}
	return false
}

// round lets everybody do all that there is to do for them now.
func (r *run) round() {
	for _, i := range r.order.Perm(len(r.players)) {
		p := r.players[i]
		p.view.CatchUp()
		keys := r.awake(p)
		for _, k := range r.order.Perm(len(keys)) {
			r.pass(p, keys[k])
		}
	}
	const many = 10_000
	for n := 0; r.environment(r.order.IntN); n++ {
		if r.stopIfBroken(); n > many {
			r.t.Fatalf("the environment of this test does not come to an end")
		}
	}
	for !r.spec.OwnCollector && r.world.Collect() {
		r.stopIfBroken()
	}
}
