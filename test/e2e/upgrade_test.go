package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/internal/await"
)

// newer is the version of a program that is like the one under test otherwise.
const newer = "v99.0.0"

// newerProgram links it, once for all tests; what lies beside the one under test lies beside it.
var newerProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "orrery-newer")
	if err != nil {
		return "", err
	}
	removeNewer = func() { _ = os.RemoveAll(dir) } // what is left is in a folder for that
	program := filepath.Join(dir, "orrery")
	link := exec.Command("go", "build", "-o", program, "-ldflags", "-s -w -X github.com/orrery-dev/orrery/internal/version.number="+newer, "../..")
	link.Stderr = os.Stderr
	if err := link.Run(); err != nil {
		return "", err
	}
	for _, beside := range []string{"runtime", "images"} {
		if err := os.Symlink(filepath.Join(filepath.Dir(binary), beside), filepath.Join(dir, beside)); err != nil {
			return "", err
		}
	}
	return program, nil
})

// removeNewer removes it when all tests have ended.
var removeNewer = func() {}

func needsNewer(t *testing.T) string {
	t.Helper()
	program, err := newerProgram()
	if err != nil {
		t.Fatalf("linking another version: %v", err)
	}
	return program
}

// told is what of a plan is looked at.
type told struct {
	Done    bool
	Refused []string
	Waits   string
	Steps   []struct{ Machine, Role, State, Why, Command string }
}

func (p *plane) upgradePlan() (plan told) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(p.orrery("upgrade", "--plan", "-o", "json")), &plan); err != nil {
		p.t.Fatal(err)
	}
	return plan
}

// process is the version and the number of the process that runs, and the settings that it has.
func (p *plane) process() (s struct {
	Version string
	PID     int
	Flags   map[string]string
},
) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(p.orrery("status", "-o", "json")), &s); err != nil {
		p.t.Fatal(err)
	}
	return s
}

func TestAnInstanceIsUpgradedInPlaceAndTakenBack(t *testing.T) {
	program := needsNewer(t)
	p := start(t, "--runtime", "simulated", "--nodes", "2", "--tls-san", "one.example.com", "--tls-san", "two.example.com")
	p.kubectl("create", "deployment", "web", "--image", "web", "--replicas", "3")
	p.rolledOut("web")
	const uids = "{.items[*].metadata.uid}"
	before, pods := p.process(), p.get("pods", uids)
	if said := p.orrery("upgrade"); !strings.Contains(said, "there is nothing to do here") {
		t.Errorf("its own program says %q", said)
	}

	p.program = program
	plan := p.upgradePlan()
	if len(plan.Steps) != 1 || plan.Steps[0].State != "next" || !strings.HasSuffix(plan.Steps[0].Command, " upgrade") || plan.Done || plan.Waits != "" || len(plan.Refused) > 0 {
		t.Errorf("the plan is %+v", plan)
	}
	said := p.orrery("upgrade")
	if !strings.Contains(said, "runs "+newer) || !strings.Contains(said, "a snapshot is in ") {
		t.Errorf("it says %q", said)
	}
	after := p.process()
	if after.Version != newer || after.PID != before.PID {
		t.Errorf("version %s runs as process %d, and version %s did as %d: want the same process", after.Version, after.PID, before.Version, before.PID)
	}
	for name, value := range before.Flags {
		if after.Flags[name] != value {
			t.Errorf("--%s was %q, and is %q", name, value, after.Flags[name])
		}
	}
	if got := p.get("pods", uids); got != pods {
		t.Errorf("the pods were %s, and are %s", pods, got)
	}
	p.becomes("Running Running Running", "pods", "{.items[*].status.phase}")
	await.Until(t, "both nodes to say which program they are of", func() (string, bool) {
		versions := strings.Fields(p.get("nodes", "{.items[*].status.nodeInfo.kubeletVersion}"))
		return strings.Join(versions, " "), len(versions) == 2 && !slices.ContainsFunc(versions, func(v string) bool { return !strings.HasSuffix(v, "+orrery."+newer) })
	})
	if said := p.orrery("upgrade"); !strings.Contains(said, "there is nothing to do here") {
		t.Errorf("the second time it says %q", said)
	}

	p.program = binary
	p.orrery("upgrade", "--snapshot=false")
	if back := p.process(); back.Version != before.Version || back.PID != before.PID {
		t.Errorf("after going back %+v runs", back)
	}
	p.kubectl("scale", "deployment/web", "--replicas", "4")
	p.becomes("4", "deployment/web", "{.status.readyReplicas}")
	if n := len(strings.Split(strings.TrimSpace(p.orrery("snapshot", "list")), "\n")) - 1; n != 1 {
		t.Errorf("there are %d snapshots, want the one that was not left out", n)
	}
}

func TestAProgramThatDoesNotComeUpSaysWhyAndTheWayBack(t *testing.T) {
	program := needsNewer(t)
	p := start(t, "--runtime", "simulated", "--nodes", "2")
	p.kubectl("create", "configmap", "kept")
	p.program = program
	settings := filepath.Join(p.dir, p.name, "settings.json")
	whole, err := os.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(settings, []byte("{garbled"), 0o600); err != nil { // which is read at a start
		t.Fatal(err)
	}
	said := p.fails("upgrade", "--snapshot=false")
	_, back, ok := strings.Cut(said, "to go back: ")
	if !ok || !strings.Contains(said, newer) || !strings.Contains(said, settings+" is damaged") {
		t.Fatalf("it says %q", said)
	}
	if said := p.fails("upgrade"); !strings.Contains(said, "is not running") {
		t.Errorf("of an instance that does not run it says %q", said)
	}
	if err := os.WriteFile(settings, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sh", "-c", back).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", back, err, out)
	}
	if now := p.process(); now.Version == newer || now.Flags["nodes"] != "2" {
		t.Errorf("after going back %+v runs", now)
	}
	p.kubectl("get", "configmap", "kept")
}

func TestContainersGoOnWhileTheirProgramIsReplaced(t *testing.T) {
	needsContainers(t)
	program := needsNewer(t)
	p := start(t, "--runtime", "containerd", "--real-nodes", "2")
	p.kubectl("apply", "-f", "../../examples/web/deployment.yaml")
	p.rolledOut("web")
	const running = "{range .items[*]}{.metadata.uid} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}{'\\n'}{end}"
	before := p.get("pods", running, "-l", "app=web")
	pod := strings.Fields(p.get("pods", "{.items[*].metadata.name}", "-l", "app=web"))[0]

	p.program = program
	p.orrery("upgrade")
	if got := p.process().Version; got != newer {
		t.Errorf("version %s runs", got)
	}
	await.Until(t, "both nodes to be ready, of the new program", func() (string, bool) {
		said := p.get("nodes", "{range .items[*]}{.status.nodeInfo.kubeletVersion} {.status.conditions[?(@.type=='Ready')].status} {end}")
		return said, strings.Count(said, "+orrery."+newer+" True") == 2
	})
	if after := p.get("pods", running, "-l", "app=web"); after != before {
		t.Errorf("the containers were\n%s, and are\n%s", before, after)
	}
	if hostname := strings.TrimSpace(p.kubectl("exec", pod, "--", "/web", "cat", "/etc/hostname")); hostname != pod {
		t.Errorf("hostname of %s = %q", pod, hostname)
	}

	// And where they are to move before, there is nowhere to move to: a budget holds them, and nothing is replaced.
	p.kubectl("create", "poddisruptionbudget", "web", "--selector", "app=web", "--min-available", "100%")
	p.program = binary
	said := p.fails("upgrade", "--drain", "--drain-timeout", "5s", "--snapshot=false")
	if !strings.Contains(said, "nothing was replaced") || !strings.Contains(said, "disruption budget") {
		t.Errorf("with a budget in the way it says %q", said)
	}
	if got := p.process().Version; got != newer {
		t.Errorf("version %s runs", got)
	}
	if held := p.get("nodes", "{.items[*].spec.unschedulable}"); held != "" {
		t.Errorf("nodes are left cordoned: %q", held)
	}
	p.kubectl("delete", "poddisruptionbudget", "web")
	p.orrery("upgrade", "--drain", "--snapshot=false")
	p.rolledOut("web")
	if after := p.get("pods", running, "-l", "app=web"); after == before {
		t.Error("the pods that were to be evicted are the ones from before")
	}
	if held := p.get("nodes", "{.items[*].spec.unschedulable}"); held != "" {
		t.Errorf("nodes are left cordoned: %q", held)
	}
}

func TestThreeMembersAreUpgradedUnderLoad(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	program := needsNewer(t)
	c := newCabinet(t, 3)
	one := c.machines[0]
	one.orrery("up", "--runtime", "simulated", "--bind-address", one.address())
	for _, m := range c.machines[1:] {
		m.orrery(one.joinCommand()...)
	}
	one.seesAllWell(len(c.machines))
	leads, others := one.leader()
	w := newWriters(t, leads, others)
	w.waitForWrites(20)
	for _, m := range c.machines {
		m.program = program
	}
	await.Until(t, "the member that leads to be told that another one comes first", func() (string, bool) {
		said, err := leads.says("upgrade")
		return said, err != nil && strings.Contains(said, "it is not this machine's turn: it is member "+others[0].name+"'s turn")
	})

	before := time.Now()
	var all sync.WaitGroup
	for _, m := range c.machines {
		all.Go(func() {
			if said, err := m.says("upgrade", "--wait", "--snapshot=false"); err != nil {
				t.Errorf("orrery upgrade on %s: %v\n%s", m.name, err, said)
			}
		})
	}
	all.Wait()
	w.waitForWrites(20)
	w.end()
	t.Logf("three members were replaced in %s; the longest time without a write was %s", time.Since(before).Round(time.Second), w.longestSilence(before).Round(time.Millisecond))
	w.lostNothing(one.admin("https://" + one.server()))
	for _, m := range c.machines {
		if said := m.orrery("status"); !strings.Contains(said, newer) {
			t.Errorf("%s has not been replaced:\n%s", m.name, said)
		}
	}
}
