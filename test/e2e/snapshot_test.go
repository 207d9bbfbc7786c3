package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// savedPath saves a snapshot and returns where it is.
func (p *plane) savedPath(args ...string) string {
	p.t.Helper()
	var saved struct{ Path string }
	if err := json.Unmarshal([]byte(p.orrery(append([]string{"snapshot", "save", "-o", "json"}, args...)...)), &saved); err != nil {
		p.t.Fatal(err)
	}
	return saved.Path
}

// TestASnapshotIsPutBack loses what was made after a snapshot, and what was lost before it comes back: here, and as another instance.
func TestASnapshotIsPutBack(t *testing.T) {
	t.Parallel()
	p := start(t, "--runtime", "simulated")
	p.kubectl("create", "deployment", "web", "--replicas=2", "--image=registry.orrery.dev/web:1")
	p.kubectl("create", "secret", "generic", "word", "--from-literal=it=sesame")
	p.kubectl("wait", "deployment/web", "--for=condition=Available", "--timeout=2m")
	running := p.savedPath("--dir", filepath.Join(t.TempDir(), "backup"))
	bare := p.savedPath("--without-keys")
	p.kubectl("delete", "deployment/web", "secret/word")
	p.kubectl("create", "configmap", "later")

	for _, snapshot := range []string{running, bare} {
		if got := p.orrery("snapshot", "kubectl", snapshot, "get", "deploy/web", "secret/word", "-o", "name"); got != "deployment.apps/web\nsecret/word\n" {
			t.Errorf("asked what was in it, %s says %q", snapshot, got)
		}
	}
	if said := p.fails("snapshot", "restore", running); !strings.Contains(said, "stop it first") {
		t.Errorf("restoring over one that runs: %s", said)
	}
	p.orrery("down")
	stopped := p.savedPath()
	for _, snapshot := range []string{running, bare} {
		p.orrery("snapshot", "restore", snapshot)
		p.up("--runtime", "simulated")
		p.kubectl("wait", "deployment/web", "--for=condition=Available", "--timeout=2m")
		if got := p.get("secret/word", "{.data.it}"); got != "c2VzYW1l" {
			t.Errorf("of %s the Secret is %q", snapshot, got)
		}
		if got := p.get("configmap/later", "{.metadata.name}"); got != "" {
			t.Errorf("of %s there is what was made after it", snapshot)
		}
		p.orrery("down")
	}
	p.orrery("snapshot", "restore", stopped)
	p.up("--runtime", "simulated")
	if got := p.get("configmap/later", "{.metadata.name}"); got != "later" {
		t.Error("what was saved while it was stopped is not all that there was")
	}
	p.orrery("down")

	other := newPlane(t)
	if said := other.fails("snapshot", "restore", bare); !strings.Contains(said, "taken without keys") {
		t.Errorf("restoring one without keys where there are none: %s", said)
	}
	other.orrery("snapshot", "restore", running)
	other.up("--runtime", "simulated")
	if got := other.get("secret/word", "{.data.it}"); got != "c2VzYW1l" {
		t.Errorf("as another instance the Secret is %q", got)
	}
}

func TestARestoreThatWasInterruptedIsDoneAgainAndNothingIsStartedBefore(t *testing.T) {
	t.Parallel()
	p := start(t, "--runtime", "simulated")
	p.kubectl("create", "configmap", "kept")
	snapshot := p.savedPath()
	p.orrery("down")
	// As a crash leaves it that comes between the two moves.
	if err := os.Rename(filepath.Join(p.dir, p.name, "apiserver"), filepath.Join(p.dir, p.name, "before")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(p.dir, p.name, "restoring"), 0o700); err != nil {
		t.Fatal(err)
	}
	if said := p.fails("up", "--runtime", "simulated"); !strings.Contains(said, "was interrupted") {
		t.Errorf("it is started all the same: %s", said)
	}
	p.orrery("snapshot", "restore", snapshot)
	p.up("--runtime", "simulated")
	if got := p.get("configmap/kept", "{.metadata.name}"); got != "kept" {
		t.Error("the snapshot was not put back")
	}
}
