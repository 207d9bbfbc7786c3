package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// answerWithin is how long a command may take that only asks, on a machine that is busy.
const answerWithin = 30 * time.Second

// asking are commands that ask, each in another way.
var asking = []string{
	"status", "logs --tail 3", "image list", "kubectl get pods", "plan deployment/web", "plan proxy", "explain pod/web",
	"explain service/web", "explain traffic pod/web kubernetes:443", "explain deployment/web --history", "simulate --remove-node simulated-0",
}

// A command answers in any state of the instance: soon, in a sentence, and without a stack.
func TestEachCommandAnswersInAnyState(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bring func(*plane)
		up    string // what a start says, empty if it succeeds
	}{
		"stopped":   {func(p *plane) { p.orrery("down") }, ""},
		"killed":    {func(p *plane) { p.kill() }, ""},
		"suspended": {func(p *plane) { p.signal(syscall.SIGSTOP) }, "kill -CONT"},
		"removed while it runs": {func(p *plane) {
			if err := os.RemoveAll(p.path()); err != nil {
				p.t.Fatal(err)
			}
		}, "was removed"},
		"with garbled settings": {func(p *plane) { p.orrery("down"); p.write("{garbled", "settings.json") }, "reset --yes"},
		"with data and no settings": {func(p *plane) {
			p.orrery("down")
			if err := os.Remove(p.path("settings.json")); err != nil {
				p.t.Fatal(err)
			}
		}, "reset --yes"},
		"with a database that was cut off": {func(p *plane) {
			p.orrery("down")
			if err := os.Truncate(p.path("apiserver", "etcd", "member-data", "member", "snap", "db"), 20_000); err != nil {
				p.t.Fatal(err)
			}
		}, "was cut off"},
		"with a wrong process in its file": {func(p *plane) { p.orrery("down"); p.write("1\n", "pid") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, "--runtime", "simulated")
			c.bring(p)
			for _, words := range asking {
				p.answers(words)
			}
			said := p.answers("up --runtime simulated")
			if !strings.Contains(said, c.up) || c.up == "" && !strings.Contains(said, "ready") {
				t.Errorf("up says %q, want %q in it", said, c.up)
			}
			p.orrery("down")
			if said := p.orrery("down"); !strings.Contains(said, "is not running") {
				t.Errorf("after down, down says %q", said)
			}
			p.orrery("reset", "--yes")
			if _, err := os.Stat(p.path()); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("after reset its directory is there: %v", err)
			}
		})
	}
}

// answers runs a command, which may succeed or fail, but has to end soon and say what it has to say in a few lines.
func (p *plane) answers(words string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), answerWithin)
	defer cancel()
	asked := p.command(strings.Fields(words)...)
	command := exec.CommandContext(ctx, asked.Path, asked.Args[1:]...)
	command.Env = asked.Env
	var out, said bytes.Buffer
	command.Stdout, command.Stderr = &out, &said
	err := command.Run()
	switch {
	case ctx.Err() != nil:
		p.t.Errorf("orrery %s has not ended after %s; it said %s%s", words, answerWithin, &out, &said)
	case err != nil && (strings.Count(said.String(), "\n") > 1 || strings.Contains(said.String(), "goroutine")):
		p.t.Errorf("orrery %s failed with more than a sentence:\n%s", words, &said)
	case err != nil && said.Len() == 0:
		p.t.Errorf("orrery %s failed without a word: %v", words, err)
	}
	return out.String() + said.String()
}

func TestASecondUpSaysThatItRuns(t *testing.T) {
	t.Parallel()
	p := start(t, "--runtime", "simulated", "--nodes", "2")
	for _, words := range []string{"up", "up --runtime simulated", "up --runtime simulated --nodes 2"} {
		if said := p.orrery(strings.Fields(words)...); !strings.Contains(said, "runs already") || !strings.Contains(said, "KUBECONFIG") {
			t.Errorf("%s on a running instance says\n%s", words, said)
		}
	}
	if said := p.fails("up", "--nodes", "3"); !strings.Contains(said, "--nodes=2, and not 3") || !strings.Contains(said, "down") {
		t.Errorf("up with another number of nodes says %q", said)
	}
	if said := p.fails("up", "--foreground"); !strings.Contains(said, "is running already") {
		t.Errorf("up in the foreground on a running instance says %q", said)
	}
	if said := p.fails("reset", "--yes"); !strings.Contains(said, "down") {
		t.Errorf("reset of a running instance says %q", said)
	}
	p.kubectl("get", "--raw", "/readyz")
}

func TestAnInstanceIsStartedAtOnceAfterItWasKilled(t *testing.T) {
	t.Parallel()
	p := start(t, "--runtime", "simulated")
	for range 3 {
		p.kill()
		p.up("--runtime", "simulated")
	}
}

// What up prints at its end is typed by a person in whatever folder, with nothing in the environment.
func TestTheLastWordsOfUpCanBePasted(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	said := p.up("--runtime", "simulated")
	var pasted []string
	for _, line := range strings.Split(said, "\n") {
		if command, ok := strings.CutPrefix(line, "  "); ok {
			pasted = append(pasted, command)
		}
	}
	if len(pasted) < 4 {
		t.Fatalf("up ends with the commands %q:\n%s", pasted, said)
	}
	for _, command := range pasted {
		shell := exec.Command("sh", "-c", command)
		shell.Dir, shell.Env = t.TempDir(), []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir()}
		if out, err := shell.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
		if strings.Contains(command, "create deployment") {
			p.rolledOut("web")
		}
	}
}

func TestDownStopsWhatAKilledControlPlaneHasLeft(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	p := start(t, "--runtime", "containerd")
	p.apply(webDeployment("1"))
	p.rolledOut("web")
	p.kill()
	if said := p.orrery("down"); !strings.Contains(said, "left behind are stopped") {
		t.Errorf("down says %q, want that it stopped what was left", said)
	}
	if left := p.processes(); len(left) > 0 {
		t.Errorf("there still are %q", left)
	}
	p.up("--runtime", "containerd")
	p.rolledOut("web")
}

func TestResetRemovesWhatIsThereAndNotWhatWasRecorded(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	p := start(t, "--runtime", "containerd")
	p.apply(webDeployment("1"))
	p.rolledOut("web")
	p.kill()
	_ = os.RemoveAll(p.path()) // but for what is mounted in it
	if err := os.RemoveAll(p.path("containerd")); err != nil {
		t.Logf("removing it by hand: %v", err)
	}
	p.orrery("reset", "--yes")
	if left := p.processes(); len(left) > 0 {
		t.Errorf("there still are the processes %q", left)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), p.path()) {
		t.Errorf("there still are mounts in %s", p.path())
	}
	if _, err := os.Stat(p.path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory is there: %v", err)
	}
	if tables, err := exec.Command("nft", "list", "tables").Output(); err == nil && strings.Contains(string(tables), "orrery-"+p.name+"-"+p.suffix()) {
		t.Errorf("there still are tables:\n%s", tables)
	}
}

func TestAFullDiskIsToldInASentence(t *testing.T) {
	needsContainers(t) // to mount one
	for name, size := range map[string]string{"from the start": "size=512k", "as soon as etcd wants to store": "size=6m"} {
		t.Run(name, func(t *testing.T) {
			p := newPlane(t)
			p.dir = t.TempDir()
			if err := syscall.Mount("tmpfs", p.dir, "tmpfs", 0, size); err != nil {
				t.Skipf("no disk can be mounted: %v", err)
			}
			t.Cleanup(func() {
				if err := syscall.Unmount(p.dir, syscall.MNT_DETACH); err != nil {
					t.Error(err)
				}
			})
			said := p.fails("up", "--runtime", "simulated")
			last := said[strings.LastIndex(strings.TrimSpace(said), "\n")+1:]
			for _, want := range []string{"disk", "full", p.dir, "make room"} {
				if !strings.Contains(last, want) {
					t.Errorf("up ends with %q, want %q in it", last, want)
				}
			}
			if strings.Contains(said, "damaged") {
				t.Errorf("up says that data are damaged:\n%s", said)
			}
		})
	}
}

func TestPodsDoNotGoToSimulatedNodesBesideARealOne(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	p := start(t, "--runtime", "containerd", "--nodes", "2")
	p.apply(webDeployment("1"))
	p.rolledOut("web")
	if nodes := p.get("pods", "{.items[*].spec.nodeName}", "-l", "app=web"); strings.Contains(nodes, "simulated-") {
		t.Errorf("the pods are on %q, want them where containers run", nodes)
	}
	p.kubectl("patch", "deployment/web", "--patch",
		`{"spec": {"template": {"spec": {"nodeSelector": {"kubernetes.io/hostname": "simulated-1"}, "tolerations": [{"key": "orrery.dev/simulated", "operator": "Exists"}]}}}}`)
	p.rolledOut("web")
}

func TestAHostedProgramEndsByASignal(t *testing.T) {
	t.Parallel()
	p := start(t, "--runtime", "simulated")
	for _, sent := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		proxy := p.command("kubectl", "proxy", "--port=0")
		said, err := proxy.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := proxy.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(answerWithin, func() { _ = proxy.Process.Kill() }) // how it ended tells
		if _, err := said.Read(make([]byte, 1)); err != nil {
			t.Errorf("it does not serve: %v", err)
		}
		if err := proxy.Process.Signal(sent); err != nil {
			t.Fatal(err)
		}
		_ = proxy.Wait() // its state tells
		kill.Stop()
		if status := proxy.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != sent {
			t.Errorf("kubectl proxy ended with %v, want %v", proxy.ProcessState, sent)
		}
	}
}

// path is that of something in the directory of the instance.
func (p *plane) path(elements ...string) string {
	return filepath.Join(append([]string{p.dir, p.name}, elements...)...)
}

func (p *plane) write(content string, elements ...string) {
	p.t.Helper()
	if err := os.WriteFile(p.path(elements...), []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// component is how status tells of a component.
func (p *plane) component(name string) (found struct{ Restarts int }) {
	p.t.Helper()
	var status struct {
		Components []struct {
			Name     string
			Restarts int
		}
	}
	if err := json.Unmarshal([]byte(p.orrery("status", "-o", "json")), &status); err != nil {
		p.t.Fatal(err)
	}
	for _, c := range status.Components {
		if c.Name == name {
			found.Restarts = c.Restarts
			return found
		}
	}
	p.t.Fatalf("there is no component %s", name)
	return found
}

// processes are the command lines of all processes that have to do with the instance: they name its directory, or the run directory
// of its containerd.
func (p *plane) processes() []string {
	p.t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		p.t.Fatal(err)
	}
	var found []string
	for _, file := range lines {
		line, err := os.ReadFile(file) // empty where it has ended, and init has yet to notice
		if err == nil && len(line) > 0 && (bytes.Contains(line, []byte(p.path())) || p.contained(filepath.Dir(file))) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// suffix is what tells what is made on the machine for this instance from what is for others of the name.
func (p *plane) suffix() string {
	sum := sha256.Sum256([]byte(p.path()))
	return hex.EncodeToString(sum[:4])
}

// contained says whether a process is in the cgroups of the instance's pods.
func (p *plane) contained(process string) bool {
	groups, err := os.ReadFile(filepath.Join(process, "cgroup"))
	return err == nil && bytes.Contains(groups, []byte("/orrery-"+p.name+"-"+p.suffix()))
}
