package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/instance"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func after(d time.Duration, name string, state instance.State) instance.Component {
	return instance.Component{Name: name, State: state, Since: begin.Add(d)}
}

func TestPlainWritesALineForEachComponentThatCameUpOrFailed(t *testing.T) {
	var out bytes.Buffer
	view := New(&out)
	view.Show(after(0, "apiserver", instance.Waiting))
	view.Show(after(0, "apiserver", instance.Starting))
	up := after(2500*time.Millisecond, "apiserver", instance.Running)
	up.Detail = "https://127.0.0.1:6443"
	view.Show(up)
	view.Show(after(time.Second, "node", instance.Starting))
	failed := after(2*time.Second, "node", instance.Failed)
	failed.LastError = "no overlayfs"
	view.Show(failed)
	view.Close()
	want := "apiserver is up after 2.5s: https://127.0.0.1:6443\nnode failed after 1.0s: no overlayfs\n"
	if out.String() != want {
		t.Errorf("got:\n%swant:\n%s", out.String(), want)
	}
}

func TestTheListKeepsItsOrderAndCountsFromTheStart(t *testing.T) {
	l := newList()
	for _, c := range []instance.Component{
		after(0, "apiserver", instance.Waiting),
		after(0, "node", instance.Waiting),
		after(time.Second, "apiserver", instance.Starting),
		after(3*time.Second, "apiserver", instance.Running),
	} {
		l = l.with(c)
	}
	lines := strings.Split(strings.TrimSpace(l.View().Content), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "apiserver") || !strings.Contains(lines[1], "node") {
		t.Fatalf("lines = %q, want apiserver and then node", lines)
	}
	if !strings.Contains(lines[0], "2.0s") {
		t.Errorf("line %q does not say that it took 2.0s", lines[0])
	}
}

func TestNothingTakesLessThanNoTime(t *testing.T) {
	if got := took(begin.Add(100*time.Millisecond), begin); got != "0.0s" {
		t.Errorf("what ended before it began took %s", got)
	}
}
