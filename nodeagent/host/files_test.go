package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// An attempt before this one may have ended between any two steps, and the umask may be anything.
func TestWhatAContainerGetsDoesNotDependOnEarlierAttempts(t *testing.T) {
	dir := t.TempDir()
	h := New(Options{RootDir: dir, HostIPs: func() []string { return nil }})
	p := pod(nil)
	ips := []string{"10.0.0.1"}
	for _, attempt := range []string{"at first", "after its mode was changed", "after half of it was written"} {
		if err := os.MkdirAll(h.podDir(p), 0o750); err != nil {
			t.Fatal(err)
		}
		hosts, err := h.hostsFile(p, ips)
		if err != nil {
			t.Fatal(err)
		}
		log, err := h.terminationLog(p, &p.Spec.Containers[0], 0)
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(hosts)
		if err != nil || !strings.HasSuffix(string(content), "10.0.0.1\tweb\n") {
			t.Errorf("%s the hosts are %q (%v)", attempt, content, err)
		}
		for path, want := range map[string]os.FileMode{hosts: 0o644, log: 0o666} {
			info, err := os.Stat(path)
			if err != nil || info.Mode() != want {
				t.Errorf("%s %s has mode %v (%v), want %v", attempt, filepath.Base(path), info.Mode(), err, want)
			}
			if err := os.Chmod(path, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if attempt == "after its mode was changed" {
			if err := os.WriteFile(hosts, content[:len(content)/2], 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestTerminationMessage(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	own, empty := write("own", "last words"), write("empty", "")
	log := write("log", "2026-01-01T00:00:00Z stdout F one\n2026-01-01T00:00:00Z stderr F two\n")
	unended := write("unended", "2026-01-01T00:00:00Z stdout P a long line \n2026-01-01T00:00:00Z stdout F goes on\n2026-01-01T00:00:00Z stdout P DONE\n")
	fallback := map[string]string{cri.AnnotationTerminationMessagePolicy: "FallbackToLogsOnError"}
	h := New(Options{})
	for _, test := range []struct {
		name string
		c    cri.Container
		want string
	}{
		{"what it wrote", cri.Container{TerminationLog: own, LogPath: log, ExitCode: 1, Annotations: fallback}, "last words"},
		{"the end of its log, if it failed and wants that", cri.Container{TerminationLog: empty, LogPath: log, ExitCode: 1, Annotations: fallback}, "one\ntwo\n"},
		{"a line that the container did not end, without an end", cri.Container{TerminationLog: empty, LogPath: unended, ExitCode: 1, Annotations: fallback}, "a long line goes on\nDONE"},
		{"nothing, if it succeeded", cri.Container{TerminationLog: empty, LogPath: log, Annotations: fallback}, ""},
		{"nothing, if it does not want its log shown", cri.Container{TerminationLog: empty, LogPath: log, ExitCode: 1}, ""},
	} {
		if got := h.terminationMessage(&test.c); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
