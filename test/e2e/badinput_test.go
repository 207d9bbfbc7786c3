package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Each mistake ends in one message that says what, and what to do.
func TestMistakesAreExplained(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPlane(t) // which none of them starts
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"an unknown flag":                 {[]string{"up", "--replicas", "3"}, []string{"unknown flag: --replicas", "--help"}},
		"an unknown command":              {[]string{"upp"}, []string{`unknown command "upp"`}},
		"an unknown command of a command": {[]string{"image", "lst"}, []string{`unknown command "lst"`, "image list"}},
		"kubectl without an instance":     {[]string{"kubectl", "get", "pods"}, []string{"no cluster is known", "up"}},
		"an unknown runtime":              {[]string{"up", "--runtime", "docker"}, []string{`"docker"`, "containerd", "simulated"}},
		"a name that cannot be":           {[]string{"up", "--name", "A/B"}, []string{`"A/B"`, "lower-case"}},
		"a port in use":                   {[]string{"up", "--runtime", "simulated", "--port", port}, []string{"--port " + port, "in use"}},
		"a port that cannot be":           {[]string{"up", "--runtime", "simulated", "--port", "70000"}, []string{"70000", "65535"}},
		"a data directory that is a file": {[]string{"up", "--runtime", "simulated", "--data-dir", file}, []string{file, "--data-dir"}},
		"etcd files without etcd":         {[]string{"up", "--etcd-cafile", "ca.crt"}, []string{"--etcd-servers"}},
		"a plan of nothing":               {[]string{"plan", "web"}, []string{"KIND/NAME", "deployment/web"}},
		"an image from nowhere":           {[]string{"image", "load", "web.tar", "--name", "nowhere"}, []string{"there is no instance", "up'"}},
	} {
		t.Run(name, func(t *testing.T) {
			said := p.within(t).fails(c.args...)
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("said %q, want it to contain %q", said, want)
				}
			}
			if lines := strings.Count(strings.TrimSpace(said), "\n") + 1; lines > 3 {
				t.Errorf("said %d lines, want one message:\n%s", lines, said)
			}
		})
	}
}

func TestARuntimeThatDoesNotAnswerIsToldAtOnce(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	silent := filepath.Join(t.TempDir(), "silent.sock")
	listener, err := net.Listen("unix", silent)
	if err != nil {
		t.Fatal(err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for endpoint, want := range map[string]string{
		"unix:///nowhere/containerd.sock": "there is no such socket",
		"unix://" + silent:                "does not answer",
		"tcp://127.0.0.1:1":               "unix socket",
	} {
		p := newPlane(t)
		if said := p.fails("up", "--runtime-endpoint", endpoint); !strings.Contains(said, endpoint) || !strings.Contains(said, want) {
			t.Errorf("up with %s said %q, want it to contain %q", endpoint, said, want)
		}
	}
}

func TestContainersWithoutRootAreToldWhatToDo(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	program := filepath.Join(t.TempDir(), "orrery")
	if err := os.Link(binary, program); err != nil {
		t.Skipf("the program cannot be put where nobody may run it: %v", err)
	}
	for dir := filepath.Dir(program); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	nobody := exec.Command(program, "up", "--runtime", "containerd")
	nobody.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	nobody.Env = append(os.Environ(), "HOME="+filepath.Dir(program)) // root's own is not nobody's to read
	out, err := nobody.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "needs root") || !strings.Contains(string(out), "--runtime simulated") {
		t.Errorf("up as nobody = %v, and said %q; want that it needs root, and what does not", err, out)
	}
}

func TestADamagedDataDirectoryIsToldAndKept(t *testing.T) {
	t.Parallel()
	p := start(t, "--runtime", "simulated")
	p.orrery("down")
	databases, err := filepath.Glob(filepath.Join(p.dir, p.name, "apiserver", "etcd", "*", "member", "snap", "db"))
	if err != nil || len(databases) != 1 {
		t.Fatalf("databases = %q, %v; want one", databases, err)
	}
	database := databases[0]
	if err := os.Truncate(database, 1000); err != nil {
		t.Fatal(err)
	}
	said := p.fails("up", "--runtime", "simulated")
	if !strings.Contains(said, "damaged") {
		t.Errorf("up on a damaged directory said:\n%s", said)
	}
	if info, err := os.Stat(database); err != nil || info.Size() != 1000 {
		t.Errorf("the damaged database was not left as it was: %v, %v", info, err)
	}
}

func TestAnInvalidDeploymentGetsTheSameWordsUnderEitherName(t *testing.T) {
	t.Parallel()
	p := start(t, "--runtime", "simulated")
	for _, group := range []string{"apps", "apps.orrery.dev"} {
		manifest := filepath.Join(t.TempDir(), "web.yaml")
		content := "apiVersion: " + group + `/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: other}}
    spec: {containers: [{name: web, image: "web:1"}]}
`
		if err := os.WriteFile(manifest, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		said := p.fails("kubectl", "apply", "--server-side", "-f", manifest)
		if !strings.Contains(said, "`selector` does not match template `labels`") {
			t.Errorf("under %s: %s", group, said)
		}
		unknown := strings.Replace(content, "selector:", "selectors:", 1)
		if err := os.WriteFile(manifest, []byte(unknown), 0o600); err != nil {
			t.Fatal(err)
		}
		if said := p.fails("kubectl", "create", "-f", manifest); !strings.Contains(said, `unknown field "spec.selectors"`) {
			t.Errorf("an unknown field under %s: %s", group, said)
		}
	}
}
