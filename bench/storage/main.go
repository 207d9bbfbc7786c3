// Command storage measures what a volume costs a pod: how long it takes from when a pod and its claim are created until the pod is Ready,
// beside a pod without a claim, one at a time and many at once, on one control plane that is started for it and removed afterwards.
//
// The two are measured in turn, so that a machine which gets busier slows down both. What the driver itself takes to make a volume is
// measured beside, by as many calls. Machines differ: compare figures of one run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// settings are the command's flags.
type settings struct {
	orrery, runtime string
	rounds, many    int
}

func main() {
	s := settings{}
	flag.StringVar(&s.orrery, "orrery", "bin/orrery", "the `program` to measure")
	flag.StringVar(&s.runtime, "runtime", "", "what runs the pods, simulated or containerd; containerd if this is root")
	flag.IntVar(&s.rounds, "rounds", 10, "how many pods of each sort are measured one at a time, and how many volumes the driver makes")
	flag.IntVar(&s.many, "many", 100, "how many pods are created at once")
	flag.Parse()
	if s.runtime == "" {
		s.runtime = "simulated"
		if os.Geteuid() == 0 {
			s.runtime = "containerd"
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// figures are what was measured of pods of one sort.
type figures struct {
	// one is the median of pods one at a time, first and last when the first and the last of many were Ready.
	one, first, last time.Duration
}

func run(ctx context.Context, s settings) (err error) {
	own, err := driversOwn(ctx, s.rounds)
	if err != nil {
		return err
	}
	p, err := start(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.remove()) }()
	plain, claimed, err := p.measure(ctx, s)
	if err != nil {
		return err
	}
	return printTable(os.Stdout, s, plain, claimed, own)
}
