// Command up measures a control plane as a person meets it: how long until it answers and runs a first pod, what it costs
// at rest and after pods have come and gone, and how long fifty pods take. Beside Orrery it measures Kubernetes' own programs,
// of the same versions, in the same run.
//
// Each contender is started in a directory of its own, once for each runtime, and all of it is removed afterwards. Machines
// differ, and one machine differs from minute to minute: compare figures of one run.
//
// What runs the pods is the same for both: the containerd and pod network of bin/runtime, or a simulated node. Kubernetes has
// none of the latter, so this program lends it one, whose cost is not counted; Orrery's is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// The runtimes.
const (
	simulatedRuntime  = "simulated"
	containerdRuntime = "containerd"
)

// settings are the command's flags.
type settings struct {
	orrery, upstream, runtimeBin string
	runtimes                     string
	idle                         time.Duration
	replicas, churn              int
}

func main() {
	var s settings
	flag.StringVar(&s.orrery, "orrery", "bin/orrery", "the `program` to measure")
	flag.StringVar(&s.upstream, "upstream", "", "Kubernetes' own programs in one, to compare with: the `program` of bench/upstream; none means no comparison")
	flag.StringVar(&s.runtimeBin, "runtime-bin", "bin/runtime", "`directory` with the containerd, runc and CNI plugins that Kubernetes' own programs use; images are beside it")
	flag.StringVar(&s.runtimes, "runtimes", "simulated,containerd", "which `runtimes` to measure, separated by commas")
	flag.DurationVar(&s.idle, "idle", time.Minute, "how long to rest before measuring the rest, and while measuring it")
	flag.IntVar(&s.replicas, "replicas", 50, "how many pods the Deployment has")
	flag.IntVar(&s.churn, "churn", 300, "how many pods come and go, a Deployment's worth at a time")
	flag.Parse()
	// The table is what is told: the node that is lent logs what the programs do when they end.
	klog.SetLogger(logr.Discard()) // LogToStderr(false) would leave the errors
	log.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run measures every contender with every runtime. What could be measured is printed also when something could not.
func run(ctx context.Context, s settings) error {
	var failed []error
	for runtime := range strings.SplitSeq(s.runtimes, ",") {
		if runtime == containerdRuntime && os.Geteuid() != 0 {
			fmt.Fprintln(os.Stderr, "containerd is left out: it needs root")
			continue
		}
		var measured []figures
		for _, c := range s.contenders() {
			f, err := c.measure(ctx, runtime, s)
			if err != nil {
				failed = append(failed, fmt.Errorf("measuring %s with runtime %s: %w", c.name(), runtime, err))
			}
			measured = append(measured, f)
		}
		if err := printTable(os.Stdout, runtime, s, measured); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

func (s settings) contenders() []contender {
	all := []contender{{start: startOrrery, program: s.orrery}}
	if s.upstream != "" {
		all = append(all, contender{start: startUpstream, program: s.upstream})
	}
	return all
}
