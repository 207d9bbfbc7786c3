package e2e

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
)

// How the trial of durability is made: `make durability` does.
var (
	kills   = flag.Int("durability.kills", 0, "how often everything is killed while records are committed; 0 makes no such trial")
	between = flag.Int("durability.records", 10_000, "how many records are committed from one kill to the next")
)

// committer commits records into a volume, and tells how many in a directory of the machine.
const committer = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: ledger}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 64Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: ledger}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: ledger
    image: registry.orrery.dev/web:1
    command: [/machine/ledger, /data/ledger, /machine/told]
    volumeMounts: [{name: data, mountPath: /data}, {name: machine, mountPath: /machine}]
  volumes:
  - {name: data, persistentVolumeClaim: {claimName: ledger}}
  - {name: machine, hostPath: {path: MACHINE}}
`

// TestCommittedRecordsSurviveKills has everything killed at once, again and again, while a program commits records: control plane, container
// runtime, and the program itself. Each record of which it has told is there afterwards.
func TestCommittedRecordsSurviveKills(t *testing.T) {
	if *kills == 0 {
		t.Skip("it takes minutes: `make durability` runs it")
	}
	needsContainers(t)
	machine := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(machine, "ledger"), "./ledger")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v: %s", err, said)
	}
	p := start(t, "--runtime", "containerd")
	p.apply(strings.ReplaceAll(committer, "MACHINE", machine))
	p.becomes("Running", "pod/ledger", "{.status.phase}")
	path := p.get("pv/"+p.get("pvc/ledger", "{.spec.volumeName}"), `{.spec.csi.volumeAttributes.local\.storage\.orrery\.dev/path}`)
	told := func() (committed int) {
		text, _ := os.ReadFile(filepath.Join(machine, "told")) // it is not there at first
		committed, _ = strconv.Atoi(strings.TrimSpace(string(bytes.SplitN(text, []byte("\n"), 2)[0])))
		return committed
	}
	for kill := range *kills {
		want := told() + *between
		await.Until(t, fmt.Sprint(want, " records to be committed"), func() (string, bool) { return fmt.Sprint(told()), told() >= want })
		p.killAll()
		committed := told()
		if ledger, err := os.ReadFile(filepath.Join(path, "ledger")); err != nil || bytes.Count(ledger, []byte("\n")) < committed {
			t.Fatalf("after kill %d there are %d records of %d (%v)", kill+1, bytes.Count(ledger, []byte("\n")), committed, err)
		}
		t.Logf("kill %d: all of %d committed records are there", kill+1, committed)
		p.up("--runtime", "containerd")
	}
	want := told() + 1 // the program itself has looked through all of them, or it would not go on
	await.Until(t, "the program to go on", func() (string, bool) { return fmt.Sprint(told()), told() >= want })
}

// killAll kills every process of the instance, and those in its pods, until there is none.
func (p *plane) killAll() {
	p.t.Helper()
	await.Until(p.t, "everything to be killed", func() (string, bool) {
		commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
		if err != nil {
			p.t.Fatal(err)
		}
		var found []string
		for _, command := range commands {
			words, _ := os.ReadFile(command) // empty where it has ended, and init has yet to notice
			process := filepath.Dir(command)
			if len(words) == 0 || !bytes.Contains(words, []byte(p.path())) && !p.contained(process) && filepath.Base(process) != strconv.Itoa(p.pid()) {
				continue
			}
			pid, err := strconv.Atoi(filepath.Base(process))
			if err != nil {
				p.t.Fatal(err)
			}
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
			found = append(found, string(bytes.ReplaceAll(words, []byte{0}, []byte(" "))))
		}
		return strings.Join(found, "\n"), len(found) == 0
	})
}
