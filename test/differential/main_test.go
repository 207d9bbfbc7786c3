package differential

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/go-logr/logr"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/kubernetes/pkg/controller/job"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/orrery-dev/orrery/envtest"
)

var (
	seeds = flag.Int("differential.seeds", 3, "how many random scenarios there are of each kind")
	all   = flag.Bool("differential.all", false, "compare the kinds that are on trial, too")
	nodes = flag.Bool("differential.nodes", false, "run the loops that watch over nodes, and only the scenarios that are about them")
	first = flag.Int("differential.first", 1, "the first seed")
	steps = flag.Int("differential.steps", 10, "how many steps a scenario has")
	most  = flag.Int("differential.parallel", 64, "how many scenarios run side by side")
)

// ours and theirs are the two sides, from TestMain on.
var ours, theirs *side

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(both(m))
}

// both runs the tests with two control planes.
func both(m *testing.M) (code int) {
	if err := flag.Set("test.parallel", strconv.Itoa(*most)); err != nil { // scenarios mostly wait
		panic(err)
	}
	ctrl.SetLogger(logr.Discard())
	utilruntime.ErrorHandlers = nil                // upstream tells of each thing that it tries again
	job.SyncJobBatchPeriod = 50 * time.Millisecond // a second of waiting for more pods says nothing about what is done
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	for _, start := range []struct {
		name string
		run  runs
		side **side
	}{{"ours", runOurs, &ours}, {"upstream", runUpstream, &theirs}} {
		env := &envtest.Environment{}
		config, err := env.Start()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() {
			if err := env.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = max(code, 1)
			}
		}()
		if *start.side, err = newSide(ctx, start.name, config, start.run); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	defer stop() // before the servers
	go func() {
		if err := queued.watch(ctx); err != nil {
			panic(err)
		}
	}()
	return m.Run()
}
