package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/orrery-dev/orrery/hack/conformance/cluster"
	"github.com/orrery-dev/orrery/hack/conformance/images"
	"github.com/orrery-dev/orrery/hack/conformance/page"
	"github.com/orrery-dev/orrery/hack/conformance/programs"
	"github.com/orrery-dev/orrery/hack/conformance/registry"
	"github.com/orrery-dev/orrery/hack/conformance/suite"
	"github.com/orrery-dev/orrery/hack/conformance/tests"
)

// errTestsFail is what is left to say after the results were told.
var errTestsFail = errors.New("some tests failed")

// run is the command.
func run(ctx context.Context, s settings) error {
	all, err := tests.All()
	if err != nil {
		return err
	}
	if s.page {
		return s.record(all, nil)
	}
	selected, err := tests.Select(all, s.sig, s.focus)
	if err != nil {
		return err
	}
	if s.list {
		for _, test := range selected {
			fmt.Println(test.Name)
		}
		return nil
	}
	if s.kubeconfig == "" && os.Geteuid() != 0 {
		return errors.New("real containers need root rights: sudo make conformance, or -kubeconfig FILE for a cluster that runs already")
	}
	say("%d of %d tests are chosen", len(selected), len(all))
	results, err := s.conformance(ctx, selected)
	if len(results) > 0 {
		err = errors.Join(err, s.tell(all, selected, results))
	}
	return err
}

// conformance builds what is needed, starts a control plane, and runs the tests.
func (s settings) conformance(ctx context.Context, selected []tests.Test) (results []suite.Result, err error) {
	dir, err := filepath.Abs(s.under(s.dir))
	if err != nil {
		return nil, err
	}
	built := programs.Builder{Root: s.root, Dir: filepath.Join(dir, "bin"), Say: say}
	made := images.Builder{Dir: filepath.Join(dir, "images"), Programs: built, Say: say}
	if s.kubeconfig == "" {
		if err := made.Check(); err != nil { // before minutes of building
			return nil, err
		}
	}
	if err := built.Build(ctx); err != nil {
		return nil, err
	}
	kubeconfig := s.kubeconfig
	if kubeconfig == "" {
		c, started := s.up(ctx, dir, made)
		if !s.keep {
			defer func() { err = errors.Join(err, c.Remove(context.WithoutCancel(ctx))) }()
		}
		if started != nil {
			return nil, started
		}
		kubeconfig = c.Kubeconfig()
	}
	return suite.Run{
		Tests: selected, Programs: built, Kubeconfig: kubeconfig, Procs: s.procs, Timeout: s.timeout, Dir: filepath.Join(dir, "results"), Say: say,
	}.Do(ctx)
}

// up makes the images, and starts an instance that has them, and to which they are served.
func (s settings) up(ctx context.Context, dir string, made images.Builder) (c cluster.Cluster, err error) {
	c = cluster.Cluster{Orrery: s.under("bin/orrery"), Dir: filepath.Join(dir, "instance"), Say: say}
	if made.Upstream, err = upstreamSource(ctx, s.under("hack/conformance")); err != nil {
		return c, err
	}
	archive, err := made.Archive(ctx)
	if err != nil {
		return c, err
	}
	if err := c.Up(ctx, archive); err != nil {
		return c, err
	}
	return c, serveImages(ctx, c, registry.Registry{Archive: archive, Blobs: filepath.Join(dir, "images", "blobs")})
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

// tell says what came out, and keeps it.
func (s settings) tell(all, selected []tests.Test, results []suite.Result) error {
	file := s.under(s.dir, "results/results.json")
	content, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, append(content, '\n'), 0o644); err != nil {
		return err
	}
	counts := map[string]int{}
	for _, r := range results {
		counts[r.Outcome]++
		if r.Outcome != suite.Passed {
			say("%-7s %s\n    %s\n    %s", r.Outcome, r.Name, firstLine(r.Message), r.Location)
		}
	}
	say("%d passed, %d failed, %d skipped, %d did not end; %s", counts[suite.Passed], counts[suite.Failed], counts[suite.Skipped], len(selected)-len(results), file)
	if err := s.record(all, results); err != nil {
		return err
	}
	if counts[suite.Failed] > 0 {
		return errTestsFail
	}
	return nil
}

// record writes results into the page.
func (s settings) record(all []tests.Test, results []suite.Result) error {
	file := s.under("docs/conformance.md")
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	record, err := page.Read(string(old), all)
	if err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	record.Update(results)
	why, err := os.ReadFile(s.under("hack/conformance/reasons.txt"))
	if err != nil {
		return err
	}
	reasons, err := page.ParseReasons(string(why))
	if err != nil {
		return fmt.Errorf("reading hack/conformance/reasons.txt: %w", err)
	}
	version, err := programs.KubernetesVersion()
	if err != nil {
		return err
	}
	text, err := page.Write(string(old), record, all, reasons, version)
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// firstLine is the beginning of a message that may be pages long.
func firstLine(message string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	if len(line) > 300 {
		line = line[:300] + " ..."
	}
	return line
}
