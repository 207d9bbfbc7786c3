// Command up measures a control plane as a person meets it: how long until it answers and runs a first pod, what it costs
// at rest, and how long fifty pods take.
//
// It starts bin/orrery in a directory of its own, once for each runtime, and removes all of it afterwards. Machines
// differ, and one machine differs from minute to minute: compare figures of one run.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
	"time"
)

// figures are what was measured of one control plane.
type figures struct {
	ready    time.Duration // from process start to /readyz
	firstPod time.Duration // from process start to the first Running pod
	memory   uint64        // proportional set size of all its processes at rest, in bytes
	cpu      float64       // of one core at rest
	fifty    time.Duration // from creating a Deployment of 50 replicas to all Ready
}

func main() {
	orrery := flag.String("orrery", "bin/orrery", "the `program` to measure")
	runtimes := flag.String("runtimes", "simulated,containerd", "which `runtimes` to measure, separated by commas")
	idle := flag.Duration("idle", time.Minute, "how long to rest before measuring the rest, and while measuring it")
	replicas := flag.Int("replicas", 50, "how many pods the Deployment has")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "runtime\tready\tfirst pod\tmemory\tcpu\t%d pods\t\n", *replicas)
	failed := false
	for runtime := range strings.SplitSeq(*runtimes, ",") {
		if runtime == "containerd" && os.Geteuid() != 0 {
			fmt.Fprintln(os.Stderr, "containerd is left out: it needs root")
			continue
		}
		f, err := measure(ctx, *orrery, runtime, *idle, *replicas)
		if err != nil {
			fmt.Fprintf(os.Stderr, "measuring with runtime %s: %v\n", runtime, err)
			failed = true
			continue
		}
		fmt.Fprintf(table, "%s\t%.1f s\t%.1f s\t%d MB\t%.1f %%\t%.1f s\t\n", runtime,
			f.ready.Seconds(), f.firstPod.Seconds(), f.memory/1e6, 100*f.cpu, f.fifty.Seconds())
	}
	if err := table.Flush(); err != nil || failed {
		os.Exit(1)
	}
}

// measure takes the figures of one control plane.
func measure(ctx context.Context, orrery, runtime string, idle time.Duration, replicas int) (f figures, err error) {
	p, err := start(orrery, runtime)
	if err != nil {
		return f, err
	}
	defer func() {
		if stopErr := p.remove(); err == nil {
			err = stopErr
		}
	}()
	if f.ready, err = p.untilReady(ctx); err != nil {
		return f, err
	}
	if f.firstPod, err = p.untilFirstPod(ctx); err != nil {
		return f, err
	}
	if err := pause(ctx, idle); err != nil {
		return f, err
	}
	before, err := p.cpuTime()
	if err != nil {
		return f, err
	}
	if err := pause(ctx, idle); err != nil {
		return f, err
	}
	after, err := p.cpuTime()
	if err != nil {
		return f, err
	}
	f.cpu = (after - before).Seconds() / idle.Seconds()
	if f.memory, err = p.memory(); err != nil {
		return f, err
	}
	f.fifty, err = p.untilAllReady(ctx, replicas)
	return f, err
}

// pause lets time pass, which is what is being measured.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
