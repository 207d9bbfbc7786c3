package logs

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// writer stands for a runtime with one container, which writes its log.
type writer struct {
	log     string
	stopped bool
	broken  error
	lines   int
}

func (w *writer) ListContainers(_ context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error) {
	if w.stopped || filter.LabelSelector[cri.LabelPodUID] != "uid" || filter.LabelSelector[cri.LabelContainerName] != "main" {
		return nil, nil
	}
	return []*runtimeapi.Container{{
		Id: "id", State: runtimeapi.ContainerState_CONTAINER_RUNNING, Annotations: map[string]string{cri.AnnotationRestartCount: "2"},
	}}, nil
}

func (w *writer) ReopenContainerLog(_ context.Context, id string) error {
	if id != "id" {
		return fmt.Errorf("there is no container %s", id)
	}
	if w.broken != nil {
		return w.broken
	}
	return os.WriteFile(w.log, nil, 0o640)
}

// line writes a line, which is ten bytes.
func (w *writer) line(t *testing.T) {
	t.Helper()
	file, err := os.OpenFile(w.log, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	w.lines++
	_, err = fmt.Fprintf(file, "line %04d\n", w.lines)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

func newWriter(t *testing.T) (*Manager, *writer, *testingclock.FakeClock) {
	t.Helper()
	dir := t.TempDir()
	w := &writer{log: filepath.Join(dir, "shop_web_uid", "main", "2.log")}
	if err := os.MkdirAll(filepath.Dir(w.log), 0o755); err != nil {
		t.Fatal(err)
	}
	clock := testingclock.NewFakeClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	return &Manager{Dir: dir, Runtime: w, MaxSize: 25, MaxFiles: 3, Clock: clock, Log: logr.Discard()}, w, clock
}

// files are the log's, each with the lines in it.
func files(t *testing.T, w *writer) (names []string, lines []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(w.log))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
		file, err := os.Open(filepath.Join(filepath.Dir(w.log), entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		var content io.Reader = file
		if strings.HasSuffix(entry.Name(), compressSuffix) {
			if content, err = gzip.NewReader(file); err != nil {
				t.Fatal(err)
			}
		}
		text, err := io.ReadAll(content)
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Fields(strings.ReplaceAll(string(text), "line ", ""))...)
	}
	slices.Sort(lines)
	return names, lines
}

func TestLogsAreRotated(t *testing.T) {
	m, w, clock := newWriter(t)
	for _, step := range []struct {
		name  string
		lines int
		names []string
	}{
		{"a small log stays", 2, []string{"2.log"}},
		{"a large one is renamed", 1, []string{"2.log", "2.log.20260101-000010"}},
		{"nothing more is done about it", 2, []string{"2.log", "2.log.20260101-000010"}},
		{"the one before is compressed", 1, []string{"2.log", "2.log.20260101-000010.gz", "2.log.20260101-000030"}},
		{"the oldest goes", 3, []string{"2.log", "2.log.20260101-000030.gz", "2.log.20260101-000040"}},
	} {
		for range step.lines {
			w.line(t)
		}
		if err := m.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		clock.Step(monitorPeriod)
		if names, _ := files(t, w); !slices.Equal(names, step.names) {
			t.Errorf("%s: there are %q, want %q", step.name, names, step.names)
		}
	}
	if _, lines := files(t, w); len(lines) != 6 || lines[0] != "0004" || lines[5] != "0009" {
		t.Errorf("the lines left are %q, want the last six", lines)
	}
}

func TestNoLineIsLostWhereTheRuntimeDoesNotFollow(t *testing.T) {
	m, w, _ := newWriter(t)
	for range 3 {
		w.line(t)
	}
	w.broken = errors.New("away")
	if err := m.Look(t.Context()); !errors.Is(err, w.broken) {
		t.Errorf("the error is %v", err)
	}
	w.line(t)
	if names, lines := files(t, w); !slices.Equal(names, []string{"2.log"}) || len(lines) != 4 {
		t.Errorf("there are %q with %q", names, lines)
	}
	w.broken, w.stopped = nil, true
	if err := m.Look(t.Context()); err != nil {
		t.Error(err)
	}
	if names, _ := files(t, w); !slices.Equal(names, []string{"2.log"}) {
		t.Errorf("of a container that has ended there are %q", names)
	}
}

func TestWhatAnAttemptHasLeftIsTidiedUp(t *testing.T) {
	m, w, _ := newWriter(t)
	for _, name := range []string{".20251231-000000", ".20251231-000000.tmp", ".20251230-000000", ".20251230-000000.gz"} {
		if err := os.WriteFile(w.log+name, nil, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		w.line(t)
	}
	if err := m.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"2.log", "2.log.20251231-000000.gz", "2.log.20260101-000000"}
	if names, _ := files(t, w); !slices.Equal(names, want) {
		t.Errorf("there are %q, want %q", names, want)
	}
}

func TestLogsOfOldInstancesGo(t *testing.T) {
	m, w, _ := newWriter(t)
	for _, name := range []string{"0.log", "0.log.20251231-000000.gz", "1.log", "2.log", "notes", "x.log"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(w.log), name), nil, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(w.log))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if want := []string{"1.log", "2.log", "notes", "x.log"}; !slices.Equal(names, want) {
		t.Errorf("there are %q, want %q", names, want)
	}
}
