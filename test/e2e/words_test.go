package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
)

// said is what a program that goes on has said so far.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (s *said) containing(words ...string) (line string, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
next:
	for _, line := range s.lines {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue next
			}
		}
		return line, true
	}
	return strings.Join(s.lines, "\n"), false
}

// watching runs the program until the test ends, and collects what it says line by line.
func (p *plane) watching(args ...string) *said {
	p.t.Helper()
	c := p.command(args...)
	out, err := c.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	var complaints bytes.Buffer
	c.Stderr = &complaints
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	s := &said{}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			s.mu.Lock()
			s.lines = append(s.lines, lines.Text())
			s.mu.Unlock()
		}
	}()
	p.t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGINT) // it may have ended, which the next lines find out
		<-read
		if err := c.Wait(); err != nil {
			p.t.Errorf("orrery %s: %v\n%s", strings.Join(args, " "), err, &complaints)
		}
	})
	return s
}

func (p *plane) says(s *said, words ...string) {
	p.t.Helper()
	await.Until(p.t, "a line with "+strings.Join(words, " and "), func() (string, bool) { return s.containing(words...) })
}

// A Deployment as a person follows it who asks what the cluster does.
func TestWhatTheClusterDoesIsTold(t *testing.T) {
	t.Parallel()
	p := start(t, "--runtime", "simulated", "--nodes", "2")
	status := p.watching("status", "--watch")
	p.says(status, "apiserver Running: https://127.0.0.1:")
	p.kubectl("apply", "-f", "../../examples/web/deployment.yaml")
	p.rolledOut("web")

	t.Run("events tell plans with their reasons, and what the API tells", func(t *testing.T) {
		told := p.orrery("events", "--since", "0")
		for _, want := range []string{
			"replicaset-controller", "of 3 desired", // why pods were made
			"bind to simulated-", "the pod fits on 2 of 2 nodes", "Scheduled: Successfully assigned default/web-", "Started: ", "start container web: it has not run in this sandbox yet",
		} {
			if !strings.Contains(told, want) {
				t.Errorf("there is no %q in\n%s", want, told)
			}
		}
		if strings.Contains(told, "event Normal") {
			t.Errorf("steps that record an Event are told besides the Event:\n%s", told)
		}
	})
	t.Run("events of a tree go on with what comes to belong to it", func(t *testing.T) {
		p := &plane{t: t, dir: p.dir, name: p.name}
		told := p.watching("events", "--tree", "deployment/web", "--follow", "-o", "json")
		p.says(told, `"kind":"Deployment"`)
		before := p.get("pods", "{.items[*].metadata.name}", "-l", "app=web")
		p.kubectl("create", "configmap", "other", "--from-literal=a=b")
		p.kubectl("scale", "deployment/web", "--replicas=4")
		p.rolledOut("web")
		for _, pod := range strings.Fields(p.get("pods", "{.items[*].metadata.name}", "-l", "app=web")) {
			if !strings.Contains(before, pod) {
				p.says(told, `"name":"`+pod+`"`, "start container web")
			}
		}
		if line, found := told.containing(`"kind":"Service"`); found {
			t.Errorf("told of what does not belong to it: %s", line)
		}
	})
	t.Run("a tree has all that an object owns, and what owns it", func(t *testing.T) {
		var tree struct {
			Object struct {
				Status     string
				Dependents []struct {
					Kind       string
					Dependents []struct{ Kind, Name, Status string }
				}
			}
		}
		if err := json.Unmarshal([]byte(p.orrery("tree", "deployment/web", "-o", "json")), &tree); err != nil {
			t.Fatal(err)
		}
		sets := tree.Object.Dependents
		if tree.Object.Status != "Current" || len(sets) != 1 || sets[0].Kind != "ReplicaSet" || len(sets[0].Dependents) != 4 {
			t.Fatalf("the tree is %+v, want a ReplicaSet with 4 pods", tree)
		}
		pod := sets[0].Dependents[0]
		if pod.Kind != "Pod" || pod.Status != "Current" {
			t.Errorf("a pod is %+v", pod)
		}
		picture := p.orrery("tree", "pod/"+pod.Name)
		for _, want := range []string{"\nDeployment/web ", "\n└─ReplicaSet/web-", "\n  └─Pod/" + pod.Name} {
			if !strings.Contains(picture, want) {
				t.Errorf("there is no %q in\n%s", want, picture)
			}
		}
		if said := p.fails("tree", "deployment/nowhere"); !strings.Contains(said, "nowhere") || strings.Contains(said, "warnings.go") {
			t.Errorf("of a Deployment that is not there it says %q", said)
		}
	})
	t.Run("completion knows objects, and what kubectl knows", func(t *testing.T) {
		for line, want := range map[string]string{
			"tree deployment/": "deployment/web", "tree deplo": "deployment/", "plan replicaset/": "replicaset/web-", "events -n kube-s": "kube-system",
			"explain pod/": "pod/web-", "kubectl get deployments ": "web", "kubectl get pods -n kube-s": "kube-system", "kubectl roll": "rollout",
		} {
			before, word, _ := cutLast(line)
			if got := p.orrery(append([]string{"__complete"}, append(strings.Fields(before), word)...)...); !strings.Contains(got, want) {
				t.Errorf("%q is completed by\n%swant %s", line, got, want)
			}
		}
	})
	t.Run("loops and instances are listed", func(t *testing.T) {
		if list := p.orrery("loops"); !strings.Contains(list, "deployment-controller") || !strings.Contains(list, "default/web: ") {
			t.Errorf("loops are listed as\n%s", list)
		}
		if list := p.orrery("list", "-o", "yaml"); !strings.Contains(list, "state: Running") || !strings.Contains(list, "name: "+p.name) {
			t.Errorf("instances are listed as\n%s", list)
		}
	})
	t.Run("a watched status tells of the end", func(t *testing.T) {
		p.orrery("down")
		p.says(status, "is not running")
	})
}

// cutLast cuts a line before its last word, which may be empty.
func cutLast(line string) (before, word string, found bool) {
	at := strings.LastIndex(line, " ")
	return line[:max(at, 0)], line[at+1:], at >= 0
}

func TestTheDoctorSaysWhatIsInTheWayAndWhatCuresIt(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	p := newPlane(t)

	type examined struct {
		Worst    string
		Findings []struct{ Check, Level, What, Why, Cure string }
	}
	var found examined
	out, err := p.command("doctor", "--runtime", "simulated", "--port", port, "-o", "json").Output()
	if exit := new(exec.ExitError); err == nil || !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("with its port in somebody's hands it ended with %v, want 1", err)
	}
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	seen := false
	for _, f := range found.Findings {
		if f.Check == "ports" {
			seen = f.Level == "error" && strings.Contains(f.What, "port "+port+" is in use by") &&
				strings.Contains(f.What, "(process "+strconv.Itoa(os.Getpid())+")") && strings.Contains(f.Cure, "--port")
		}
	}
	if !seen || found.Worst != "error" {
		t.Errorf("it does not say who has the port, or how to cure that:\n%s", out)
	}
	if said, _ := p.command("up", "--runtime", "simulated", "--port", port).CombinedOutput(); !strings.Contains(string(said), "error: ports: port "+port+" is in use by") {
		t.Errorf("up does not say in short what the doctor says:\n%s", said)
	}
}
