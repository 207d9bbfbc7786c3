package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/journal"
)

func TestInstancesInAList(t *testing.T) {
	dir := t.TempDir()
	prepared := func(name string) *instance.Instance {
		inst, err := instance.Open(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := inst.Prepare(); err != nil {
			t.Fatal(err)
		}
		return inst
	}
	running, stopped, silent := prepared("running"), prepared("stopped"), prepared("silent")
	lock, err := silent.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Release() }()
	state := func(inst *instance.Instance, seen seenStatus) string { return listedAs(inst, seen).State }
	for want, got := range map[string]string{
		"Running":  state(running, at(1, instance.Running, "")),
		"Starting": state(running, at(1, instance.Starting, "")),
		"Stopped":  state(stopped, seenStatus{silent: "instance stopped is not running"}),
		"Silent":   state(silent, seenStatus{silent: "no answer"}),
	} {
		if got != want {
			t.Errorf("it is listed as %s, want %s", got, want)
		}
	}
	all, err := (&target{dataDir: dir}).instances()
	if err != nil || len(all) != 3 {
		t.Errorf("%d instances are found (%v), want 3", len(all), err)
	}
	if none, err := (&target{dataDir: dir + "/nowhere"}).instances(); err != nil || len(none) != 0 {
		t.Errorf("where nothing is %d are found (%v)", len(none), err)
	}
}

func TestLoopsInAList(t *testing.T) {
	now := time.Unix(1000, 0)
	table := loopTable([]listedLoop{
		{Name: "quiet-controller", Of: "Node", Keys: 2},
		{
			Name: "deployment-controller", Of: "Deployment", Keys: 1,
			Last:   &journal.Entry{At: now.Add(-time.Minute), Key: "default/web", Plan: "create ReplicaSet default/web-5d8f: missing\nstatus"},
			Failed: &journal.Entry{At: now.Add(-time.Hour), Error: "quota used up"},
		},
		{Name: "proxy", Keys: 1, Last: &journal.Entry{At: now.Add(-time.Second), Key: "all", Plan: "write the table: it is missing"}},
	}, now)
	want := []string{
		"LOOP                    DECIDES FOR    KEYS   LAST   DID                                                        LAST FAILURE",
		"quiet-controller        Node           2      -      -                                                          -",
		"deployment-controller   Deployment     1      60s    default/web: create ReplicaSet default/web-5d8f: missing   60m ago: quota used up",
		"proxy                   many at once   1      1s     write the table: it is missing                             -",
	}
	if diff := cmp.Diff(want, table.Fit(false, 0)); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, strings.Join(table.Fit(false, 0), "\n"))
	}
}
