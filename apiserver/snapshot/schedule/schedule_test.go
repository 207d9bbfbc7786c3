package schedule

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apiserver/snapshot"
	"github.com/orrery-dev/orrery/framework/engine"
)

func TestWhenASnapshotIsTaken(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	aged := func(ages ...time.Duration) []snapshot.Snapshot {
		var list []snapshot.Snapshot
		for _, age := range ages {
			list = append(list, snapshot.Snapshot{Manifest: snapshot.Manifest{Taken: now.Add(-age)}})
		}
		return list
	}
	for _, test := range []struct {
		name string
		w    world
		want string
	}{
		{
			"the first one is waited for", world{began: now},
			"nothing to do\nlook again in 6h0m0s: the schedule \"@every 6h\" has its first snapshot taken then",
		},
		{
			"the next one counts from the last", world{aged(2*time.Hour, 8*time.Hour), now.Add(-24 * time.Hour)},
			"nothing to do\nlook again in 4h0m0s: the schedule \"@every 6h\" has one taken then, after that of 2026-01-01T10:00:00Z",
		},
		{
			"it is taken when it is due", world{aged(6 * time.Hour), now.Add(-24 * time.Hour)},
			"take a snapshot: the schedule \"@every 6h\" has one taken then, after that of 2026-01-01T06:00:00Z\nlook again in 1ms: there is a new snapshot then",
		},
		{
			"one that was missed waits until the start is over", world{aged(48 * time.Hour), now.Add(-10 * time.Second)},
			"nothing to do\nlook again in 50s: one was due at 2025-12-30T18:00:00Z, when nobody ran",
		},
		{
			"and is taken then, once", world{aged(48 * time.Hour), now.Add(-time.Minute)},
			"take a snapshot: one was due at 2025-12-30T18:00:00Z, when nobody ran\nlook again in 1ms: there is a new snapshot then",
		},
		{
			"more than are kept go", world{aged(1*time.Hour, 2*time.Hour, 3*time.Hour, 4*time.Hour), now.Add(-24 * time.Hour)},
			"remove the 2 oldest snapshots: 2 are kept\nlook again in 5h0m0s: the schedule \"@every 6h\" has one taken then, after that of 2026-01-01T11:00:00Z",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, err := New(Options{Schedule: "@every 6h", Keep: 2})
			if err != nil {
				t.Fatal(err)
			}
			if got := l.Plan(engine.One{}, test.w, now).String(); got != test.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	for name, o := range map[string]Options{
		"twice a day": {Schedule: "twice a day", Keep: 1},
		"0 snapshots": {Schedule: "@daily"},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error with %q", err, name)
		}
	}
}

func TestADirectoryThatCannotBeReadIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := New(Options{Schedule: "@daily", Keep: 1, Dir: file})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Observe(context.Background(), engine.At(time.Now()), engine.One{}); err == nil {
		t.Error("it is taken for an empty one")
	}
}
