package enginetest_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/enginetest"
	"pgregory.net/rapid"
)

// street is a model of lamps, each of which is to have one bulb or none.
type street struct {
	env    *enginetest.Env
	wanted map[string]int
	bulbs  map[string]int
}

func (s *street) screwIn(lamp string, bulbs int) error {
	return s.env.Call(fmt.Sprintf("screw %d bulbs into %s", bulbs, lamp), func() error {
		s.bulbs[lamp] += bulbs
		return nil
	})
}

// lighting is a loop with mistakes.
type lighting struct {
	street *street
	// lit is what a loop remembers that does not look: see blind.
	lit map[string]bool

	blind, impatient, restless, showy, clumsy bool
}

// lamp is what is seen of one.
type lamp struct {
	wanted, bulbs int
	tasks         []string
	lit           bool
}

func (l lighting) Observe(_ context.Context, look engine.Look, key string) (lamp, error) {
	if _, there := l.street.wanted[key]; !there {
		return lamp{}, engine.ErrGone
	}
	return lamp{tasks: look.Tasks(), wanted: l.street.wanted[key], bulbs: l.street.bulbs[key], lit: l.lit[key]}, nil
}

func (l lighting) Plan(key string, world lamp, _ time.Time) *engine.Plan[lighting] {
	p := &engine.Plan[lighting]{}
	if l.blind && !world.lit {
		world.bulbs = 0
	}
	switch {
	case l.clumsy && world.bulbs > 0:
		panic("dropped it")
	case l.restless:
		p.Do(screw{key, 1 - 2*world.bulbs, false})
	case l.showy && !world.lit && world.bulbs > 0:
		p.Do(screw{key, -1, false})
	case world.bulbs < world.wanted:
		p.Do(slowScrew{screw{key, 1, len(world.tasks) > 0}, l.impatient, len(world.tasks)})
	case world.bulbs > world.wanted:
		p.Do(screw{key, -1, false})
	default:
		p.Because("it is as it should be")
	}
	return p
}

func (l lighting) Actor(string, lamp, engine.Turn) lighting { return l }

// screw screws a bulb in or out.
type screw struct {
	lamp  string
	bulbs int
	idle  bool
}

func (s screw) Verb() string   { return "screw" }
func (s screw) String() string { return fmt.Sprintf("screw %d into lamp %s", s.bulbs, s.lamp) }
func (s screw) Why() string    { return "somebody wants it so" }
func (s screw) Do(_ context.Context, l lighting) error {
	l.lit[s.lamp] = s.bulbs > 0
	return l.street.screwIn(s.lamp, s.bulbs)
}

// slowScrew takes its time.
type slowScrew struct {
	screw
	another bool
	number  int
}

func (s slowScrew) Idle() bool { return s.idle && !s.another }
func (s slowScrew) Task() string {
	if s.another {
		return fmt.Sprint("screw in bulb ", s.number)
	}
	return "screw in a bulb"
}

func streets(mistakes lighting) enginetest.Spec[string, lamp, lighting, *street] {
	return enginetest.Spec[string, lamp, lighting, *street]{
		Start: func(t *rapid.T, env *enginetest.Env) *street {
			s := &street{env: env, wanted: map[string]int{}, bulbs: map[string]int{}}
			for n := range rapid.IntRange(1, 3).Draw(t, "lamps") {
				s.wanted[fmt.Sprint("lamp-", n)] = 1
			}
			return s
		},
		Loop: func(s *street) engine.Loop[string, lamp, lighting] {
			loop := mistakes
			loop.street, loop.lit = s, map[string]bool{}
			return loop
		},
		Keys:  func(s *street) []string { return slices.Sorted(maps.Keys(s.wanted)) },
		State: func(s *street) string { return fmt.Sprint(s.wanted, s.bulbs) },
		Change: func(t *rapid.T, s *street) {
			lamp := rapid.SampledFrom(slices.Sorted(maps.Keys(s.wanted))).Draw(t, "lamp")
			s.wanted[lamp] = 1 - s.wanted[lamp]
			s.env.Tell("somebody wants %d bulbs in %s", s.wanted[lamp], lamp)
		},
		Invariant: func(s *street) error {
			for _, lamp := range slices.Sorted(maps.Keys(s.bulbs)) {
				if bulbs := s.bulbs[lamp]; bulbs < 0 || bulbs > 1 {
					return fmt.Errorf("%s has %d bulbs", lamp, bulbs)
				}
			}
			return nil
		},
		Converged: func(s *street) error {
			for _, lamp := range slices.Sorted(maps.Keys(s.wanted)) {
				if wanted := s.wanted[lamp]; s.bulbs[lamp] != wanted {
					return fmt.Errorf("%s has %d bulbs, want %d", lamp, s.bulbs[lamp], wanted)
				}
			}
			return nil
		},
	}
}

func TestALoopWithoutMistakesPasses(t *testing.T) { enginetest.Check(t, streets(lighting{})) }

func TestMistakesAreFoundAndTold(t *testing.T) {
	for _, test := range []struct {
		name     string
		mistakes lighting
		story    []string // regular expressions
	}{
		{"a loop that counts on its memory", lighting{blind: true}, []string{"has 2 bulbs|comes to rest too early", "screw 1 into lamp lamp-0: somebody wants it so"}},
		{"one that begins what is under way", lighting{impatient: true}, []string{"has 2 bulbs", "though it was called off"}},
		{"one that never rests", lighting{restless: true}, []string{"does not come to rest"}},
		{"one that does something whenever it begins", lighting{showy: true}, []string{"the loop restarts", "is changed by passes over it when it rests, without memory"}},
		{"one that panics", lighting{clumsy: true}, []string{"panic", "dropped it"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &failure{}
			f.of(func() { enginetest.Check(f, streets(test.mistakes)) })
			if !f.failed {
				t.Fatal("it is not found")
			}
			for _, line := range test.story {
				if !regexp.MustCompile(line).MatchString(f.log.String()) {
					t.Errorf("the story does not say %q:\n%s", line, f.log.String())
				}
			}
		})
	}
}

// failure is a test that is expected to fail: it keeps what the test says.
type failure struct {
	log    bytes.Buffer
	failed bool
}

// of runs a test which may end itself.
func (f *failure) of(test func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		test()
	}()
	<-done
}

func (f *failure) Helper()                           {}
func (f *failure) Name() string                      { return "TestThatFails" }
func (f *failure) Logf(format string, args ...any)   { fmt.Fprintf(&f.log, format+"\n", args...) }
func (f *failure) Log(args ...any)                   { fmt.Fprintln(&f.log, args...) }
func (f *failure) Skipf(format string, args ...any)  { f.Logf(format, args...); f.SkipNow() }
func (f *failure) Skip(args ...any)                  { f.Log(args...); f.SkipNow() }
func (f *failure) SkipNow()                          { runtime.Goexit() }
func (f *failure) Errorf(format string, args ...any) { f.Logf(format, args...); f.Fail() }
func (f *failure) Error(args ...any)                 { f.Log(args...); f.Fail() }
func (f *failure) Fatalf(format string, args ...any) { f.Errorf(format, args...); f.FailNow() }
func (f *failure) Fatal(args ...any)                 { f.Error(args...); f.FailNow() }
func (f *failure) FailNow()                          { f.Fail(); runtime.Goexit() }
func (f *failure) Fail()                             { f.failed = true }
func (f *failure) Failed() bool                      { return f.failed }
