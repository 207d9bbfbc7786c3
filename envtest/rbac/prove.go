package rbac

import (
	"context"
	"errors"
	"flag"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// patience is how long the API server may take to judge by the roles, and to say what it makes of refusals.
const patience = 3 * time.Minute

// Prove is how a manager reaches an API server that may do there what roles allow, and nothing else. The configuration that it is given is an
// administrator's. When the test has cleaned up what was begun after this, and the manager with it, it fails by what [Report] says. In a suite
// of Ginkgo's t is GinkgoTB(); called in BeforeSuite, it is about the whole suite.
//
// Where a part of the tests was left out, by a flag of go test or of Ginkgo, or has failed, a right that was not used is no failure: it is logged.
func Prove(t testing.TB, admin *rest.Config, options Options) *rest.Config {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	proof, err := New(limited, admin, options)
	if err != nil {
		t.Fatalf("proving what a manager may do: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		report, err := proof.Report(ctx)
		if err = errors.Join(err, proof.Close(ctx)); err != nil {
			t.Fatalf("proving what a manager may do: %v", err)
		}
		say(t, report)
	})
	return proof.Config()
}

// say fails the test by what is wrong with the roles.
func say(t testing.TB, report Report) {
	t.Helper()
	if leftovers := report.Leftovers(); leftovers != "" && (isPart() || t.Failed()) {
		t.Logf("of tests that were a part, or failed, this need not mean anything: %s", leftovers)
		report.Judgement = Judgement{Excused: report.Excused}
	}
	wrong := report.Refusals() + report.Leftovers()
	report.Refused, report.Unused, report.Idle = nil, nil, nil
	if rest := report.String(); rest != "" {
		t.Log(rest)
	}
	if wrong != "" {
		t.Errorf("the roles are not what the manager needs\n%s", wrong)
	}
}

// isPart reports that flags leave a part of a test or of a suite out.
func isPart() bool {
	for _, name := range []string{"test.skip", "ginkgo.focus", "ginkgo.skip", "ginkgo.focus-file", "ginkgo.skip-file", "ginkgo.label-filter"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" && f.Value.String() != "[]" {
			return true
		}
	}
	run := flag.Lookup("test.run")
	return run != nil && strings.Contains(run.Value.String(), "/")
}
