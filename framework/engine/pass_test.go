package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/engine"
)

func TestStepsAreTakenInOrderUpToTheFirstThatFails(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []engine.Step[*lamps]
		want  []string
		fails bool
	}{
		{"all, where none fails", []engine.Step[*lamps]{step{does: "a"}, step{does: "b"}}, []string{"a", "b"}, false},
		{"none behind one that failed", []engine.Step[*lamps]{step{"a", errBroken}, step{does: "b"}}, []string{"a"}, true},
		{"a report all the same", []engine.Step[*lamps]{step{"a", errBroken}, step{does: "b"}, report{step{does: "told"}}}, []string{"a", "told after broken"}, true},
		{"a report between others", []engine.Step[*lamps]{report{step{does: "told"}}, step{does: "b"}}, []string{"told", "b"}, false},
		{"what may turn out to change nothing", []engine.Step[*lamps]{idle{step{does: "a"}}, step{does: "b"}}, []string{"a", "b"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLamps()
			l.plan = func(p *engine.Plan[*lamps], _ string) {
				for _, s := range test.steps {
					p.Do(s)
				}
			}
			outcome := l.engine().Pass(t.Context(), "hall")
			if diff := cmp.Diff(test.want, l.done()); diff != "" {
				t.Errorf("the steps differ (-want +got):\n%s", diff)
			}
			if (outcome.Err != nil) != test.fails {
				t.Errorf("ends with %v, want an error: %t", outcome.Err, test.fails)
			}
		})
	}
}

func TestWhatFollowsAnError(t *testing.T) {
	judge := func(err error) (string, error) {
		switch {
		case errors.Is(err, errBroken):
			return "flickered", engine.Retry(err)
		case err.Error() == "fine":
			return "fine", nil
		default:
			return "", err
		}
	}
	other := errors.New("other")
	for _, test := range []struct {
		name string
		err  error
		want engine.Outcome
	}{
		{"an error is to be tried again", other, engine.Outcome{Label: "error", Err: other}},
		{"a wait looks again after its time", engine.Wait(time.Minute, other), engine.Outcome{Label: "wait", After: time.Minute}},
		{"a stop is not tried again", engine.Stop(other), engine.Outcome{Label: "stop", Err: other, Final: true}},
		{"a retry is quiet", engine.Retry(other), engine.Outcome{Label: "retry", After: 20 * time.Millisecond}},
		{"what the world's judge knows", errBroken, engine.Outcome{Label: "flickered", After: 20 * time.Millisecond}},
		{"what is well after all", errors.New("fine"), engine.Outcome{Label: "fine"}},
		{"the judge is not asked about what is marked", engine.Wait(time.Minute, errBroken), engine.Outcome{Label: "wait", After: time.Minute}},
		{"of two errors the one that has to be reported", errors.Join(errBroken, other), engine.Outcome{Label: "error", Err: other}},
		{"a mark around several errors counts for all", engine.Wait(time.Minute, errors.Join(errBroken, other)), engine.Outcome{Label: "wait", After: time.Minute}},
		{"gone ends it quietly", fmt.Errorf("reading: %w", engine.ErrGone), engine.Outcome{Label: "gone"}},
		{"gone ends it quietly, whatever else it says", fmt.Errorf("reading: %w: %w", engine.ErrGone, other), engine.Outcome{Label: "gone"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLamps()
			l.observe = func(engine.Look, string) error { return test.err }
			if test.err.Error() == "fine" { // the judge looks at the words
				l.observe, l.plan = nil, func(p *engine.Plan[*lamps], _ string) { p.Do(step{"a", test.err}) }
			}
			got := l.engine(func(o *engine.Options[string]) { o.Judge = judge }).Pass(t.Context(), "hall")
			if got.Label != test.want.Label || got.After != test.want.After || got.Final != test.want.Final || !errors.Is(got.Err, test.want.Err) {
				t.Errorf("the outcome is %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestNoErrorIsNoMark(t *testing.T) {
	for name, err := range map[string]error{"Wait": engine.Wait(time.Minute, nil), "Stop": engine.Stop(nil), "Retry": engine.Retry(nil)} {
		if err != nil {
			t.Errorf("%s of no error is %v", name, err)
		}
	}
}

func TestQuietRetriesInARowRestLonger(t *testing.T) {
	l := newLamps()
	var err error
	l.observe = func(engine.Look, string) error { return err }
	e := l.engine()
	rests := func(n int) (after []time.Duration) {
		for range n {
			after = append(after, e.Pass(t.Context(), "hall").After)
		}
		return after
	}
	const ms = time.Millisecond
	err = engine.Retry(errBroken)
	want := []time.Duration{20 * ms, 40 * ms, 80 * ms, 160 * ms, 320 * ms, 640 * ms, 1280 * ms, 2560 * ms, 5 * time.Second, 5 * time.Second}
	if diff := cmp.Diff(want, rests(10)); diff != "" {
		t.Errorf("the rests differ (-want +got):\n%s", diff)
	}
	if rest := e.Pass(t.Context(), "kitchen").After; rest != 20*ms {
		t.Errorf("another key rests %s the first time, want 20 ms", rest)
	}
	err = nil
	e.Pass(t.Context(), "hall")
	err = engine.Retry(errBroken)
	if got := rests(1)[0]; got != 20*ms {
		t.Errorf("after a pass that went well it rests %s, want 20 ms", got)
	}
}

func TestAPassLooksAgainWhenThePlanSaysSo(t *testing.T) {
	l := newLamps()
	l.plan = func(p *engine.Plan[*lamps], _ string) {
		p.After(time.Hour, "it is night then")
		p.After(time.Minute, "it is dusk then")
	}
	if got := l.engine().Pass(t.Context(), "hall").After; got != time.Minute {
		t.Errorf("looks again after %s, want a minute", got)
	}
}

func TestThePlanInProse(t *testing.T) {
	for _, test := range []struct {
		name string
		plan func(p *engine.Plan[*lamps])
		want string
	}{
		{"an empty one", func(*engine.Plan[*lamps]) {}, "nothing to do"},
		{"an empty one with a reason", func(p *engine.Plan[*lamps]) { p.Because("it is day"); p.Because("nobody is there") }, "nothing to do: it is day"},
		{"a reason is not told beside steps", func(p *engine.Plan[*lamps]) { p.Because("it is day"); p.Do(step{does: "light"}) }, "light: it is dark"},
		{"what changes nothing is no step", func(p *engine.Plan[*lamps]) { p.Do(idle{step{does: "light"}}) }, "nothing to do"},
		{
			"when to look again", func(p *engine.Plan[*lamps]) { p.Do(step{does: "light"}); p.After(0, "somebody comes") },
			"light: it is dark\nlook again in 1ms: somebody comes",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &engine.Plan[*lamps]{}
			test.plan(p)
			if got := p.String(); got != test.want {
				t.Errorf("reads\n%s\nwant\n%s", got, test.want)
			}
		})
	}
	var none *engine.Plan[*lamps]
	if none.String() != "nothing to do" || !none.Empty() || none.Again() != nil || len(none.All()) != 0 {
		t.Errorf("no plan reads %q", none)
	}
}

func TestADryRunTakesNoStepAndTellsWhatItWouldDo(t *testing.T) {
	l := newLamps()
	waits := newTask("wait")
	l.plan = func(p *engine.Plan[*lamps], _ string) {
		p.Do(step{does: "a"})
		p.Do(report{step{does: "told"}})
		p.Do(waits)
		p.After(time.Minute, "it gets dark then")
	}
	e := l.engine(func(o *engine.Options[string]) { o.DryRun = true })
	var told []string
	e.Follow(func(_ string, pass engine.Pass) { told = append(told, pass.Plan) })
	if got, want := e.Pass(t.Context(), "hall"), (engine.Outcome{Label: "success", After: time.Minute}); got != want {
		t.Errorf("the pass ends with %+v, want %+v", got, want)
	}
	if did := l.done(); len(did) > 0 || len(waits.begun) > 0 {
		t.Errorf("it has done %q, and begun %d tasks", did, len(waits.begun))
	}
	want := []string{"a: it is dark\ntold: it is dark\nwait: it is dark\nlook again in 1m0s: it gets dark then"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("it tells (-want +got):\n%s", diff)
	}
}
