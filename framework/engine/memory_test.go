package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/engine"
)

func TestSince(t *testing.T) {
	type look struct {
		minute int
		fact   string // of the subject "lamp"; empty where the observation does not ask
		fails  bool
		want   int // the minute since when
	}
	for _, test := range []struct {
		name  string
		looks []look
	}{
		{"a first sight counts from now", []look{{5, "dark", false, 5}}},
		{"a fact that stays keeps its time", []look{{5, "dark", false, 5}, {9, "dark", false, 5}}},
		{"another fact counts from when it was seen", []look{{5, "dark", false, 5}, {9, "light", false, 9}, {12, "light", false, 9}}},
		{"a fact that another came between counts anew", []look{{5, "dark", false, 5}, {9, "light", false, 9}, {12, "dark", false, 12}}},
		{"a fact that a look did not ask for counts anew", []look{{5, "dark", false, 5}, {9, "", false, 0}, {12, "dark", false, 12}}},
		{"a look that failed ends no fact", []look{{5, "dark", false, 5}, {9, "", true, 0}, {12, "dark", false, 5}}},
		{"nor does it lose what it saw", []look{{5, "dark", true, 5}, {9, "dark", false, 5}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLamps()
			e := l.engine()
			for _, look := range test.looks {
				l.clock.SetTime(noon.Add(time.Duration(look.minute) * time.Minute))
				l.observe = func(now engine.Look, _ string) error {
					if look.fact != "" {
						if got := now.Since("lamp", look.fact); !got.Equal(noon.Add(time.Duration(look.want) * time.Minute)) {
							t.Errorf("in minute %d it is %s since %s, want since minute %d", look.minute, look.fact, got, look.want)
						}
					}
					if look.fails {
						return errBroken
					}
					return nil
				}
				e.Pass(t.Context(), "hall")
				e.Pass(t.Context(), "kitchen") // keys do not mix
			}
		})
	}
}

func TestAPreviewRemembersNothing(t *testing.T) {
	l := newLamps()
	var since []time.Time
	l.observe = func(look engine.Look, _ string) error {
		since = append(since, look.Since("lamp", "dark"))
		return nil
	}
	l.plan = func(p *engine.Plan[*lamps], _ string) { p.Do(step{does: "light"}) }
	e := l.engine()
	for _, do := range []func(){
		func() {
			if decided, err := e.Preview(t.Context(), "hall"); err != nil || decided.String() != "light: it is dark" {
				t.Errorf("the preview is %s (%v)", decided, err)
			}
		},
		func() { e.Pass(t.Context(), "hall") },
		func() { _, _ = e.Preview(t.Context(), "hall") },
	} {
		do()
		l.clock.Step(time.Minute)
	}
	if want := []time.Time{noon, noon.Add(time.Minute), noon.Add(time.Minute)}; !cmp.Equal(since, want) {
		t.Errorf("seen since %v, want %v", since, want)
	}
	if done := l.done(); len(done) != 1 || len(e.Recent("hall")) != 1 {
		t.Errorf("previews were carried out or kept: %v", done)
	}
}

func TestWhatIsSaidOnce(t *testing.T) {
	l := newLamps()
	e := l.engine()
	var say string
	var fails error
	var news []bool
	l.plan = func(p *engine.Plan[*lamps], _ string) {
		p.Do(step{"try", fails})
		if say != "" {
			p.Do(saying{&say, &news})
		}
	}
	for _, pass := range []struct {
		say   string
		fails error
		want  []bool
	}{
		{"no bulb", nil, []bool{true}},
		{"no bulb", nil, []bool{false}},
		{"no power", nil, []bool{true}},
		{"", nil, nil},
		{"no power", nil, []bool{true}},
		{"no power", errBroken, nil}, // the step is not reached, and what was said stands
		{"no power", nil, []bool{false}},
	} {
		say, fails, news = pass.say, pass.fails, nil
		e.Pass(t.Context(), "hall")
		if !cmp.Equal(news, pass.want) {
			t.Errorf("saying %q is news: %v, want %v", pass.say, news, pass.want)
		}
	}
}

// saying is a step that says something, and notes whether it was new.
type saying struct {
	what *string
	news *[]bool
}

func (saying) Verb() string   { return "say" }
func (saying) String() string { return "say" }
func (saying) Why() string    { return "" }

func TestTheLastPlansOfAKeyAreKept(t *testing.T) {
	l := newLamps()
	n := 0
	l.plan = func(p *engine.Plan[*lamps], _ string) {
		if n++; n == 11 {
			return // nothing to do is not worth keeping
		}
		p.Do(step{does: fmt.Sprint("light ", n)})
	}
	e := l.engine()
	for range 11 {
		e.Pass(t.Context(), "hall")
		l.clock.Step(time.Minute)
	}
	recent := e.Recent("hall")
	if len(recent) != 8 || recent[7].Plan != "light 3: it is dark" {
		t.Fatalf("%d plans are kept, the oldest %+v; want 8, from the third on", len(recent), recent[len(recent)-1])
	}
	if diff := cmp.Diff(engine.Pass{At: noon.Add(9 * time.Minute), Plan: "light 10: it is dark"}, recent[0]); diff != "" {
		t.Errorf("the newest differs (-want +got):\n%s", diff)
	}
	l.plan = func(p *engine.Plan[*lamps], _ string) { p.Do(step{"light", errBroken}) }
	e.Pass(t.Context(), "hall")
	if got := e.Recent("hall")[0].Error; got != "broken" {
		t.Errorf("the error that is kept is %q", got)
	}
	l.observe = func(engine.Look, string) error { return engine.ErrGone }
	e.Pass(t.Context(), "hall")
	if len(e.Recent("hall")) != 0 || len(e.Keys()) != 0 {
		t.Errorf("of a key that is gone %v is kept", e.Recent("hall"))
	}
}

func TestAnInspectorReadsKeys(t *testing.T) {
	l := newLamps()
	l.plan = func(p *engine.Plan[*lamps], key string) { p.Do(step{does: "light the " + key}) }
	e := l.engine()
	inspector := engine.Inspect(e, func(word string) (string, error) {
		if word == "" {
			return "", errBroken
		}
		return word, nil
	})
	e.Pass(t.Context(), "kitchen")
	e.Pass(t.Context(), "hall")
	if got := inspector.Keys(); !cmp.Equal(got, []string{"hall", "kitchen"}) {
		t.Errorf("the keys are %v", got)
	}
	if got, err := inspector.Preview(t.Context(), "cellar"); err != nil || got != "light the cellar: it is dark" {
		t.Errorf("the preview is %q (%v)", got, err)
	}
	if _, err := inspector.Preview(t.Context(), ""); err == nil {
		t.Error("a key that cannot be read has a preview")
	}
	if got := inspector.Recent("hall"); len(got) != 1 || len(inspector.Recent("")) != 0 {
		t.Errorf("the last plans are %v", got)
	}
}

func (s saying) Do(_ context.Context, l *lamps) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	*s.news = append(*s.news, l.turns[len(l.turns)-1].First("lamp", *s.what))
	return nil
}

func TestWhoFollowsIsToldEachPlanThatWasCarriedOut(t *testing.T) {
	l := newLamps()
	e := l.engine(func(o *engine.Options[string]) { o.Of = "Lamp" })
	inspector := engine.Inspect(e, func(key string) (string, error) { return key, nil })
	var told []string
	inspector.Follow(func(key string, pass engine.Pass) {
		told = append(told, fmt.Sprintf("%s at %s: %s (%s)", key, pass.At.Format(time.TimeOnly), pass.Plan, pass.Error))
	})
	e.Pass(t.Context(), "hall") // nothing to do is nothing to tell
	l.plan = func(p *engine.Plan[*lamps], _ string) { p.Do(step{does: "light"}) }
	e.Pass(t.Context(), "hall")
	l.clock.Step(time.Minute)
	l.plan = func(p *engine.Plan[*lamps], _ string) { p.Do(step{does: "light", err: errBroken}) }
	e.Pass(t.Context(), "kitchen")
	want := []string{
		"hall at 12:00:00: light: it is dark ()",
		"kitchen at 12:01:00: light: it is dark (broken)",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if inspector.Of() != "Lamp" {
		t.Errorf("its keys name a %q, want a Lamp", inspector.Of())
	}
}
