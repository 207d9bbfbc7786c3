package looptest

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/framework/loop"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Story is one world and what happens in it, to be told in prose: every step that a loop takes, in the words of its plan,
// and every other write. Scheme and Loops are required.
type Story struct {
	// Scheme, Loops, Prepare, Environment, Invariants, Converged and OwnCollector are as in Spec.
	Scheme       *runtime.Scheme
	Loops        []loop.Loop
	Prepare      func(w *World)
	Environment  func(w *World, pick func(n int) int) bool
	Invariants   []Invariant
	Converged    func(w *World) error
	OwnCollector bool

	// Start is what the world begins with, stored as it is.
	Start []client.Object

	// Chapters happen one after the other.
	Chapters []Chapter

	// Show is the state of the world in a line, told whenever it has changed; nil tells none.
	Show func(w *World) string

	// Order is how loops and environment take turns; the zero value is InTurn.
	Order Order
}

// Chapter is a part of a story: something happens, and the loops answer to it.
type Chapter struct {
	// Title says what happens: "the user sets the image to v2".
	Title string
	// Do makes it happen; nil does nothing.
	Do func(w *World)
	// Until ends the chapter as soon as it is true, in the middle of whatever goes on; nil ends it when the world has
	// come to rest.
	Until func(w *World) bool
}

// Order is how loops and environment take turns.
type Order struct {
	random bool
	seed   uint64
}

var (
	// InTurn lets every loop pass over every object, then the environment take one step, and so on.
	InTurn = Order{}
	// AnyOrder lets one of them do one thing at a time, chosen at random and by another seed every time. Such a story
	// is not compared with its file; the seed is printed when it fails.
	AnyOrder = Order{random: true}
)

// Seeded is AnyOrder with a seed, which must not be 0: the same story every time.
func Seeded(seed uint64) Order { return Order{random: true, seed: seed} }

// Tell makes the story happen and compares it with the file testdata/NAME.golden, where NAME is the test's. With -update
// it writes the file. An invariant that breaks, or a world that does not come to rest, fails the test.
func Tell(t *testing.T, story Story) {
	t.Helper()
	seed := story.Order.seed
	if story.Order.random && seed == 0 {
		seed = rand.Uint64()
		defer func() {
			if t.Failed() {
				t.Logf("to tell this story again: Order: looptest.Seeded(%d)", seed)
			}
		}()
	}
	told := story.tell(t, seed)
	if !story.Order.random || story.Order.seed != 0 {
		Golden(t, "testdata/"+strings.ReplaceAll(t.Name(), " ", "_")+".golden", told)
	}
}

// tell makes the story happen and answers it.
func (s *Story) tell(t *testing.T, seed uint64) string {
	t.Helper()
	spec := Spec{
		Scheme:       s.Scheme,
		Loops:        s.Loops,
		Prepare:      s.Prepare,
		Environment:  s.Environment,
		Invariants:   s.Invariants,
		OwnCollector: s.OwnCollector,
		Patience:     defaultPatience,
	}
	r := newRun(t, &spec, seed, nil)
	r.prose = true
	r.world.Put(s.Start...)
	teller := &teller{run: r, story: s}
	for _, chapter := range s.Chapters {
		teller.chapter(chapter)
	}
	if s.Converged != nil {
		if err := s.Converged(r.world); err != nil {
			r.fail("comes to rest too early: %v", err)
		}
	}
	return strings.Join(r.story, "\n") + "\n"
}

// teller lets the chapters of a story happen.
type teller struct {
	*run
	story *Story
	shown string
}

func (t *teller) chapter(c Chapter) {
	if len(t.run.story) > 0 {
		t.run.story = append(t.run.story, "")
	}
	t.run.story = append(t.run.story, "# "+c.Title)
	if c.Do != nil {
		c.Do(t.world)
	}
	t.show()
	turn := t.inTurn
	if t.story.Order.random {
		turn = t.anyOrder
	}
	quiet := 0
	for range t.spec.Patience {
		before := t.world.Version()
		if turn(c.Until) {
			return
		}
		if t.world.Version() != before {
			quiet = 0
		} else if quiet++; quiet > quietRounds && t.failing() == nil {
			if c.Until != nil {
				t.fail("comes to rest before its chapter %q ends", c.Title)
			}
			return
		} else {
			t.wait(quiet)
		}
	}
	t.fail("does not come to rest in its chapter %q", c.Title)
}

// inTurn is one round in which everybody has a turn. It reports whether the chapter is over.
func (t *teller) inTurn(until func(*World) bool) bool {
	for _, p := range t.players {
		p.view.CatchUp()
		for _, key := range t.keys(p) {
			if t.did(func() { t.pass(p, key) }, until) {
				return true
			}
		}
	}
	return t.did(func() { t.environment(t.order.IntN) }, until) || t.collects(until)
}

// anyOrder is a number of single actions in random order, and then a round in turn if they changed nothing.
func (t *teller) anyOrder(until func(*World) bool) bool {
	before := t.world.Version()
	for range 4 * (len(t.players) + 1) {
		if t.did(t.anything, until) {
			return true
		}
	}
	return t.world.Version() == before && t.inTurn(until)
}

// anything is one pass of one loop for one object, or one step of the environment.
func (t *teller) anything() {
	i := t.order.IntN(len(t.players) + 1)
	if i == len(t.players) {
		t.environment(t.order.IntN)
		return
	}
	p := t.players[i]
	p.view.CatchUp()
	if keys := t.keys(p); len(keys) > 0 {
		t.pass(p, keys[t.order.IntN(len(keys))])
	}
}

func (t *teller) collects(until func(*World) bool) bool {
	more := !t.spec.OwnCollector
	for more {
		if t.did(func() { more = t.world.Collect() }, until) {
			return true
		}
	}
	return false
}

// did does one thing, tells what has become of the world, and reports whether the chapter is over.
func (t *teller) did(act func(), until func(*World) bool) bool {
	before := t.world.Version()
	act()
	t.stopIfBroken()
	if t.world.Version() != before {
		t.show()
	}
	return until != nil && until(t.world)
}

func (t *teller) show() {
	if t.story.Show == nil {
		return
	}
	if now := t.story.Show(t.world); now != t.shown {
		t.run.story = append(t.run.story, "    "+now)
		t.shown = now
	}
}
