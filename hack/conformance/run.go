package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/orrery-dev/orrery/hack/conformance/cluster"
	"github.com/orrery-dev/orrery/hack/conformance/images"
	"github.com/orrery-dev/orrery/hack/conformance/programs"
	"github.com/orrery-dev/orrery/hack/conformance/registry"
	"github.com/orrery-dev/orrery/hack/conformance/suite"
	"github.com/orrery-dev/orrery/hack/conformance/tests"
)

// errTestsFail is what is left to say after the results were told.
var errTestsFail = errors.New("some tests failed")

// run is the command.
func run(ctx context.Context, s settings) error {
	if s.page {
		return s.writePage()
	}
	chosen, err := tests.SuiteOf(s.suiteName)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(s.under(s.dir))
	if err != nil {
		return err
	}
	r := runner{settings: s, suite: chosen, dir: dir, built: programs.Builder{Root: s.root, Dir: filepath.Join(dir, "bin"), Say: say}}
	r.made = images.Builder{Dir: filepath.Join(dir, "images"), Programs: r.built, Say: say}
	if err := r.check(); err != nil {
		return err
	}
	if !chosen.Listed() || !s.list {
		if err := r.built.Build(ctx, r.program()); err != nil {
			return err
		}
	}
	all, err := r.tests(ctx)
	if err != nil {
		return err
	}
	selected, err := s.choice.Of(all)
	if err != nil {
		return err
	}
	if s.list {
		for _, test := range selected {
			fmt.Println(test.Name)
		}
		return nil
	}
	say("%d of the %d tests of suite %s are chosen", len(selected), len(all), chosen.Name)
	return r.run(ctx, all, selected)
}

// runner runs one suite.
type runner struct {
	settings
	suite tests.Suite
	// dir is where everything goes.
	dir   string
	built programs.Builder
	made  images.Builder
}

// check says what is missing, before minutes of building.
func (r runner) check() error {
	switch {
	case r.list:
		return nil
	case r.kubeconfig == "" && os.Geteuid() != 0:
		return errors.New("real containers need root rights: sudo make conformance, or -kubeconfig FILE for a cluster that runs already")
	case r.kubeconfig == "":
		return r.made.Check()
	case r.suite.OnNode:
		return fmt.Errorf("suite %s writes files of its node, and runs on an instance of its own: leave -kubeconfig out", r.suite.Name)
	}
	return nil
}

// program is which of upstream's programs has the tests.
func (r runner) program() string {
	if r.suite.OnNode {
		return programs.NodeSuite
	}
	return programs.Suite
}

// tests are those of the suite.
func (r runner) tests(ctx context.Context) ([]tests.Test, error) {
	if r.suite.Listed() {
		return r.suite.Tests(nil)
	}
	flags, err := r.defining()
	if err != nil {
		return nil, err
	}
	names, err := suite.List(ctx, r.built.Path(r.program()), flags...)
	if err != nil {
		return nil, err
	}
	return r.suite.Tests(names)
}

// defining are the flags that define tests.
func (r runner) defining() ([]string, error) {
	if r.suite.Driver == "" {
		return nil, nil
	}
	file, err := filepath.Abs(r.under("hack/conformance", r.suite.Driver))
	return []string{"--storage.testdriver=" + file}, err
}

// run starts a control plane, runs the tests, and keeps the results.
func (r runner) run(ctx context.Context, all, selected []tests.Test) (err error) {
	c := cluster.Cluster{Orrery: r.under("bin/orrery"), Dir: filepath.Join(r.dir, "instance"), DualStack: r.suite.DualStack, Say: say}
	if r.suite.OnNode {
		c.Manifests = filepath.Join(r.dir, "manifests")
	}
	kubeconfig, commit := r.kubeconfig, ""
	if kubeconfig == "" {
		if commit, err = c.Commit(ctx); err != nil {
			return err
		}
		if !r.keep {
			defer func() { err = errors.Join(err, c.Remove(context.WithoutCancel(ctx))) }()
		}
		if err := r.up(ctx, c); err != nil {
			return err
		}
		kubeconfig = c.Kubeconfig()
	}
	flags, err := r.flags(ctx, c, kubeconfig)
	if err != nil {
		return err
	}
	results, err := suite.Run{
		Tests: selected, Programs: r.built, Program: r.program(), Flags: flags, Kubeconfig: kubeconfig,
		Procs: r.procs, Timeout: r.timeout, Dir: r.results(), Say: say,
	}.Do(ctx)
	if len(results) > 0 {
		err = errors.Join(err, r.tell(selected, results))
	}
	if len(results) > 0 && commit != "" {
		err = errors.Join(err, r.record(all, results, commit))
	}
	return err
}

// results is the directory that they go to.
func (r runner) results() string { return filepath.Join(r.dir, "results", r.suite.Name) }

// up makes the images, and starts an instance that has them, and to which they are served.
func (r runner) up(ctx context.Context, c cluster.Cluster) (err error) {
	made := r.made
	if made.Upstream, err = upstreamSource(ctx, r.under("hack/conformance")); err != nil {
		return err
	}
	archive, err := made.Archive(ctx)
	if err != nil {
		return err
	}
	if err := c.Up(ctx, archive); err != nil {
		return err
	}
	return serveImages(ctx, c, registry.Registry{Archive: archive, Blobs: filepath.Join(r.dir, "images", "blobs")})
}

// serveImages lets the nodes pull what they have, for the tests that insist on a pull.
func serveImages(ctx context.Context, c cluster.Cluster, images registry.Registry) error {
	ip, err := c.Address(ctx)
	if err != nil {
		return err
	}
	address, registries, err := images.Serve(ctx, ip)
	if err != nil {
		return err
	}
	say("serving the images of %s at %s", strings.Join(registries, ", "), address)
	return registry.Tell(c.Registries(), address, registries)
}

// flags are those of upstream's program, by which it finds the cluster and has the tests.
func (r runner) flags(ctx context.Context, c cluster.Cluster, kubeconfig string) ([]string, error) {
	if r.suite.OnNode {
		return r.nodeFlags(ctx, c)
	}
	defining, err := r.defining()
	if err != nil {
		return nil, err
	}
	kubeconfig, err = filepath.Abs(kubeconfig)
	if err != nil {
		return nil, err
	}
	return append(defining, "--kubeconfig="+kubeconfig, "--provider=skeleton"), nil
}

// nodeFlags are those of the program for nodes, which would start a kubelet and an API server itself, and looks at the machine before.
func (r runner) nodeFlags(ctx context.Context, c cluster.Cluster) ([]string, error) {
	server, token, err := c.Access(ctx)
	if err != nil {
		return nil, err
	}
	node, err := c.Node(ctx)
	if err != nil {
		return nil, err
	}
	machine := filepath.Join(r.dir, "machine.yaml")
	if err := os.WriteFile(machine, []byte("os: Linux\n"), 0o644); err != nil { // of which nothing more is required
		return nil, err
	}
	return []string{
		"--host=" + server, "--bearer-token=" + token, "--node-name=" + node, "--start-services=false", "--prepull-images=false",
		"--system-spec-file=" + machine,
	}, nil
}

// upstreamSource is the directory with the source of the pinned Kubernetes.
func upstreamSource(ctx context.Context, module string) (string, error) {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes")
	list.Dir = module
	out, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("looking for the source of Kubernetes: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
