package looptest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// run is one world and what happens in it.
type run struct {
	t       rapid.TB
	spec    *Spec
	world   *World
	players []*player
	order   *rand.Rand
	story   []string
	prose   bool              // the story is for reading: without times and statuses
	age     func(k *kind) int // how many changes back the first lists of a loop are that restarts; nil means none
	broken  error             // the first thing that went wrong
}

// player is a loop in a world: with a view of its own, as if it ran in a process of its own.
type player struct {
	loop       loop.Loop
	view       *View
	line       *line
	reconciler reconcile.Reconciler
	awake      map[client.ObjectKey]bool
	known      map[client.ObjectKey]client.Object // the keys that it was ever woken for
	due        map[client.ObjectKey]time.Time
	failed     map[client.ObjectKey]error
	decided    map[client.ObjectKey]bool // whether the last pass came as far as a plan
	passBegan  int                       // where in the story its present pass begins
}

// newRun makes a world and lets the loops begin in it. The seed decides in which order they take turns.
func newRun(t rapid.TB, spec *Spec, seed uint64, start []client.Object) *run {
	r := &run{t: t, spec: spec, world: NewWorld(spec.Scheme)}
	r.order = rand.New(rand.NewPCG(seed, 0))
	if spec.Prepare != nil {
		spec.Prepare(r.world)
	}
	r.world.Put(start...)
	for _, obj := range start {
		r.tell("there is %s", nameOf(obj))
	}
	for _, l := range spec.Loops {
		for _, index := range l.Indexes() {
			if err := r.world.Index(index.Object, index.Field, index.Values); err != nil {
				t.Fatal(err)
			}
		}
		p := &player{loop: l, known: map[client.ObjectKey]client.Object{}}
		r.begin(p, current)
		r.players = append(r.players, p)
	}
	r.world.Wrote = r.wrote
	return r
}

// begin starts a loop afresh, as a new process does: it remembers nothing, and is woken by all that its cache lists first.
func (r *run) begin(p *player, age func(*kind) int) {
	p.view = &View{world: r.world, kinds: map[schema.GroupVersionKind]*known{}}
	p.view.saw = func(k *kind, before, after client.Object) { r.wakes(p, k, before, after) }
	var out outage
	if p.line != nil {
		out = p.line.outage
	}
	p.line = &line{note: r.tell, outage: out}
	p.awake = map[client.ObjectKey]bool{}
	p.due = map[client.ObjectKey]time.Time{}
	p.failed = map[client.ObjectKey]error{}
	p.decided = map[client.ObjectKey]bool{}
	p.reconciler = p.loop.Reconciler(loop.Cluster{
		Client:     &worldClient{reader: reader{r.world, p.view}, by: p.loop.Name(), line: p.line},
		Live:       &worldClient{reader: reader{world: r.world}, by: p.loop.Name(), line: p.line},
		Clock:      r.world.clock,
		SideBySide: 1,
		Names:      r.world.generateName,
		Passed: func(key client.ObjectKey, steps []plan.Step, err error) {
			r.passed(p, key, steps, err)
		},
	})
	for _, key := range p.loop.AtStart() {
		p.awake[key] = true
		p.known[key] = nil
	}
	p.view.list(age)
}

func current(*kind) int { return 0 }

// restart begins a loop again. What its new cache lists first may be older than what it wrote, and than what it knew before.
func (r *run) restart(p *player) {
	r.tell("%s restarts", p.loop.Name())
	order := p.view.order
	age := current
	if r.age != nil {
		age = r.age
	}
	r.begin(p, age)
	p.view.order = order // what it has been woken for stays known
}

// pass lets a loop make one pass for one object.
func (r *run) pass(p *player, key client.ObjectKey) {
	p.passBegan = len(r.story)
	delete(p.awake, key)
	delete(p.decided, key)
	result, err := r.reconcile(p, key)
	if err := p.view.returned(); err != nil {
		r.breaks(fmt.Errorf("%s %s %w", p.loop.Name(), key, err))
	}
	delete(p.due, key)
	delete(p.failed, key)
	switch {
	case p.line.crashed:
		r.restart(p)
	case err != nil && !errors.Is(err, reconcile.TerminalError(nil)):
		p.failed[key] = err
	case result.RequeueAfter > 0:
		p.due[key] = r.world.Now().Add(result.RequeueAfter)
	}
}

// reconcile makes a pass. A panic breaks the world.
func (r *run) reconcile(p *player, key client.ObjectKey) (reconcile.Result, error) {
	defer func() {
		if v := recover(); v != nil {
			r.breaks(fmt.Errorf("%s panics at %s: %v\n%s", p.loop.Name(), key, v, debug.Stack()))
		}
	}()
	return p.reconciler.Reconcile(context.Background(), reconcile.Request{NamespacedName: key})
}

// passed tells the story of a pass: what was decided, what happened meanwhile, and how it ended.
func (r *run) passed(p *player, key client.ObjectKey, steps []plan.Step, err error) {
	p.decided[key] = true
	meanwhile := slices.Clone(r.story[p.passBegan:])
	r.story = r.story[:p.passBegan]
	for _, step := range steps {
		if _, says := step.(*plan.Status); !says || !r.prose {
			r.tell("%s %s: %s", p.loop.Name(), key, engine.Sentence(step))
		}
	}
	r.story = append(r.story, meanwhile...)
	if err != nil {
		r.tell("%s %s ends: %v", p.loop.Name(), key, err)
	}
}

// wrote checks the invariants after every write.
func (r *run) wrote(write Write) {
	if !slices.ContainsFunc(r.players, func(p *player) bool { return p.loop.Name() == write.By }) {
		r.tell("%s: %s", write.By, write)
	}
	for _, holds := range r.spec.Invariants {
		if err := holds(r.world, write); err != nil {
			r.breaks(fmt.Errorf("breaks an invariant when %s does %s: %w", write.By, write, err))
		}
	}
}

// String is what was done to which object.
func (w Write) String() string {
	obj := w.After
	if obj == nil {
		obj = w.Before
	}
	return w.Verb + " " + nameOf(obj)
}

// breaks notes that something went wrong. The test ends when the present event does.
func (r *run) breaks(err error) {
	if r.broken == nil {
		r.broken = err
		r.tell("HERE: %v", err)
	}
}

func (r *run) stopIfBroken() {
	if r.broken != nil {
		r.fail("%v", r.broken)
	}
}

// environment lets the rest of the cluster take a step, and reports whether there was one to take.
func (r *run) environment(pick func(n int) int) bool {
	return r.spec.Environment != nil && r.spec.Environment(r.world, pick)
}

// tell adds a line to the story.
func (r *run) tell(format string, args ...any) {
	if r.prose {
		r.story = append(r.story, fmt.Sprintf(format, args...))
		return
	}
	at := r.world.Now().Sub(Begin).Round(time.Millisecond)
	r.story = append(r.story, fmt.Sprintf("%9s  ", at)+fmt.Sprintf(format, args...))
}

// fail ends the test with the story of this world.
func (r *run) fail(format string, args ...any) {
	r.t.Logf("the story of this world:\n%s", strings.Join(fold(r.story), "\n"))
	r.t.Fatalf("the world "+format, args...)
}
