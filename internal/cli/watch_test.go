package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/printer"
)

var noon = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.Local)

// at is an instance that has one component, in a state for some seconds past noon.
func at(second int, state instance.State, why string) seenStatus {
	return seenStatus{Status: instance.Status{Name: "orrery", PID: 7, Components: []instance.Component{
		{Name: "apiserver", State: instance.Running, Since: noon, Detail: "https://127.0.0.1:6443"},
		{Name: "node", State: state, Since: noon.Add(time.Duration(second) * time.Second), LastError: why},
	}}}
}

func TestAWatchedInstanceTellsWhatHasChanged(t *testing.T) {
	seen := []seenStatus{
		{silent: "instance orrery is not running"},
		{silent: "instance orrery is not running"},
		at(1, instance.Starting, ""),
		at(1, instance.Starting, ""),
		at(2, instance.Running, ""),
		at(3, instance.Failed, "no overlayfs"),
		at(4, instance.Running, "no overlayfs"),
		{silent: "instance orrery is not running"},
	}
	for format, want := range map[printer.Format][]string{
		printer.Tabular: {
			"instance orrery is not running",
			"12:00:00 apiserver Running: https://127.0.0.1:6443",
			"12:00:01 node Starting",
			"12:00:02 node Running",
			"12:00:03 node Failed: no overlayfs",
			"12:00:04 node Running",
			"instance orrery is not running",
		},
		printer.JSON: {`"state":"Starting"`, `"state":"Running"`, `"state":"Failed"`, `"lastError":"no overlayfs"`},
		printer.YAML: nil,
	} {
		ctx, cancel := context.WithCancel(t.Context())
		var out bytes.Buffer
		n := 0
		err := lineByLine(ctx, &out, format, func() seenStatus {
			if n == len(seen) {
				cancel()
				return seenStatus{silent: "the end"}
			}
			n++
			return seen[n-1]
		})
		cancel()
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		switch {
		case err != nil:
			t.Error(err)
		case format == printer.Tabular:
			if diff := cmp.Diff(want, lines); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		case format == printer.JSON:
			for i, line := range lines {
				if !strings.Contains(line, want[i]) {
					t.Errorf("line %d is %s, want %s in it", i, line, want[i])
				}
			}
		case strings.Count(out.String(), "---\n") != 4:
			t.Errorf("%d documents, want 4:\n%s", strings.Count(out.String(), "---\n"), &out)
		}
	}
}

func TestALivePictureOfAnInstanceFitsTheTerminal(t *testing.T) {
	picture := drawStatus(at(3, instance.Failed, "containerd: "+strings.Repeat("no overlayfs ", 30)), false, 80, noon.Add(time.Minute))
	for _, want := range []string{"process 7", "apiserver", "Failed", "containerd: no", "…", "q ends this"} {
		if !strings.Contains(ansi.Strip(picture), want) {
			t.Errorf("there is no %q in it:\n%s", want, picture)
		}
	}
	for line := range strings.Lines(picture) {
		if width := ansi.StringWidth(strings.TrimSuffix(line, "\n")); width > 80 {
			t.Errorf("%d wide: %s", width, line)
		}
	}
	if got := drawStatus(seenStatus{silent: "instance orrery is not running"}, false, 80, noon); !strings.Contains(got, "is not running") {
		t.Errorf("of an instance that is not running it says %q", got)
	}
}
