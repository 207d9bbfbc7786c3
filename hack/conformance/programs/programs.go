package programs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/hack/conformance/process"
)

// The programs, by their names as files.
const (
	Suite           = "e2e.test"
	NodeSuite       = "e2e_node.test"
	Ginkgo          = "ginkgo"
	Kubectl         = "kubectl"
	Agnhost         = "agnhost"
	NoNewPrivs      = "nnp"
	Issue74839      = "regression-issue-74839"
	SampleAPIServer = "sample-apiserver"
	Etcd            = "etcd"
	Pause           = "pause"
	Shell           = "sh"
)

// program is how one is built.
type program struct {
	name, source string
	module       string // the directory of the module that builds it, from the root of the repository; empty means this one
	test         bool   // it is a package's tests
}

var all = []program{
	{name: Ginkgo, source: "github.com/onsi/ginkgo/v2/ginkgo"},
	{name: Kubectl, source: "k8s.io/kubernetes/cmd/kubectl"},
	{name: Suite, source: "k8s.io/kubernetes/test/e2e", test: true},
	{name: NodeSuite, source: "k8s.io/kubernetes/test/e2e_node", test: true},
	{name: Agnhost, source: "k8s.io/kubernetes/test/images/agnhost"},
	{name: NoNewPrivs, source: "k8s.io/kubernetes/test/images/nonewprivs"},
	{name: Issue74839, source: "k8s.io/kubernetes/test/images/regression-issue-74839"},
	{name: SampleAPIServer, source: "k8s.io/sample-apiserver"},
	{name: Etcd, source: "go.etcd.io/etcd/server/v3"},
	{name: Pause, source: "./hack/images/pause", module: "."},
	{name: Shell, source: "./sh"},
}

// Builder builds into a directory.
type Builder struct {
	// Root is the root of the repository.
	Root string
	// Dir is where the programs go.
	Dir string
	// Say tells what is being done.
	Say func(format string, args ...any)
}

// Path is where a program is, once it was built.
func (b Builder) Path(name string) string { return filepath.Join(b.Dir, name) }

// Build builds what is not there of a suite and of all that it needs. The other suite is left out: each takes minutes.
func (b Builder) Build(ctx context.Context, suite string) error {
	if err := os.MkdirAll(b.Dir, 0o755); err != nil {
		return err
	}
	versions, err := b.versions(ctx)
	if err != nil {
		return err
	}
	there, pinned := 0, 0
	for _, p := range all {
		if p.test && p.name != suite {
			continue
		}
		if p.pinned() {
			pinned++
		}
		args, err := p.args()
		if err != nil {
			return err
		}
		key := digest(append([]string{versions}, args...)...)
		if p.pinned() && b.built(p, key) {
			there++
			continue
		}
		if err := b.build(ctx, p, args, key); err != nil {
			return err
		}
	}
	b.Say("%d of %d programs were there already", there, pinned)
	return nil
}

// pinned says whether the versions in go.mod decide what is built: of this repository's own programs the go command knows better.
func (p program) pinned() bool { return !strings.HasPrefix(p.source, "./") }

// args are the go command's, but for where the program goes.
func (p program) args() ([]string, error) {
	args := []string{"go", "build"}
	if p.test {
		// Vetting upstream's tests takes longer than compiling them.
		args = []string{"go", "test", "-c", "-vet=off"}
	}
	flags, err := versionFlags()
	if err != nil {
		return nil, err
	}
	return append(args, "-trimpath", "-ldflags", "-s -w "+flags, p.source), nil
}

// build builds one program.
func (b Builder) build(ctx context.Context, p program, args []string, key string) error {
	started := time.Now()
	if p.pinned() {
		b.Say("building %s", p.name)
	}
	dir := filepath.Join(b.Root, "hack/conformance")
	if p.module != "" {
		dir = filepath.Join(b.Root, p.module)
	}
	command := slices.Insert(slices.Clone(args), 2, "-o", b.Path(p.name+".new")) // behind "go build" or "go test"
	if err := (process.Command{Args: command, Dir: dir, Env: []string{"CGO_ENABLED=0"}}).Run(ctx); err != nil {
		return fmt.Errorf("building %s: %w", p.name, err)
	}
	if err := os.Rename(b.Path(p.name+".new"), b.Path(p.name)); err != nil {
		return err
	}
	if p.pinned() {
		b.Say("built    %s in %.0f s", p.name, time.Since(started).Seconds())
	}
	return os.WriteFile(b.keyFile(p), []byte(key), 0o644)
}

// built says whether a program is there that was built from the same.
func (b Builder) built(p program, key string) bool {
	has, err := os.ReadFile(b.keyFile(p))
	if err != nil || string(has) != key {
		return false
	}
	_, err = os.Stat(b.Path(p.name))
	return err == nil
}

func (b Builder) keyFile(p program) string { return b.Path("." + p.name + ".key") }

// versions are those of all modules, and Go's.
func (b Builder) versions(ctx context.Context) (string, error) {
	var text strings.Builder
	for _, file := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(b.Root, "hack/conformance", file))
		if err != nil {
			return "", err
		}
		text.Write(content)
	}
	version, err := exec.CommandContext(ctx, "go", "version").Output()
	if err != nil {
		return "", fmt.Errorf("asking for Go's version: %w", err)
	}
	text.Write(version)
	return text.String(), nil
}

// KubernetesVersion is the version of Kubernetes that this program was built with, which is the one that go.mod pins.
func KubernetesVersion() (string, error) {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, module := range info.Deps {
			if module.Path == "k8s.io/kubernetes" {
				return module.Version, nil
			}
		}
	}
	return "", fmt.Errorf("this program does not know of what Kubernetes it is: build it with the go command, as a module")
}

// versionFlags tell the programs of Kubernetes which version they are.
func versionFlags() (string, error) {
	version, err := KubernetesVersion()
	if err != nil {
		return "", err
	}
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	const variables = "k8s.io/component-base/version"
	return fmt.Sprintf("-X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s -X %[1]s.gitTreeState=clean",
		variables, version, parts[0], parts[1]), nil
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}
