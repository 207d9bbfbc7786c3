// Command controllers compares Orrery's controllers with kube-controller-manager: the same workloads on the same kind of API server,
// in one run.
//
// Each workload is run once by each of the two, and who goes first alternates. For each run there is a fresh API server with etcd, in
// a process of its own; the manager is a second process, so that its memory and CPU time can be told from the server's; this process
// creates the objects, looks at what becomes of them, and is the scheduler and the kubelets: see nodes.go. Both managers run all the
// controllers that they run by default, as the same user.
//
// By default neither is limited in how many requests it makes, and each has its own default of how many objects it works on side by
// side. With the limits that kube-controller-manager has by default, 20 requests a second for each controller, a Deployment of 10,000
// takes 500 seconds whoever makes it, and one would measure that number; -limits does so all the same, with the same limit for both.
//
// A workload has steps. The time of a step is from its first request to the moment at which its result is there, as a watch shows it;
// what it cost is read when the manager has then written nothing for two seconds. Its result is checked, and a wrong one fails the run,
// however fast it was. Writes are counted by the API server, which writes into an audit log what the manager asks of it; those that were
// refused, and Events, are among them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/orrery-dev/orrery/bench/internal/child"
)

const usage = `Compares Orrery's controllers with kube-controller-manager.

Usage:
  controllers [flags]

Examples:
  controllers                                     everything, at full size (on two cores more than an hour)
  controllers -scale 0.1                          everything, with a tenth of the objects
  controllers -only deployment,job -scale 0.1     two workloads
  controllers -limits -scale 0.1                  with kube-controller-manager's limits on requests, for both
  controllers -manager ours -profiles /tmp/p      one manager, with profiles of its CPU and memory in each step
  controllers -o json                             the figures as JSON, in place of the table

Workloads:
`

// settings are the command's flags.
type settings struct {
	only     string
	manager  string
	scale    float64
	limits   bool
	output   string
	profiles string
	requests bool
	timeout  time.Duration
}

func main() {
	if role := child.Role(); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, parse()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		stop()
		os.Exit(1)
	}
}

func parse() settings {
	var s settings
	flag.StringVar(&s.only, "only", "", "the `names` of the workloads to run, separated by commas (default all)")
	flag.StringVar(&s.manager, "manager", "", "run one manager only: `ours or upstream`")
	flag.Float64Var(&s.scale, "scale", 1, "a `factor` for the numbers of objects")
	flag.BoolVar(&s.limits, "limits", false, "limit both to the requests that kube-controller-manager makes by default: 20 a second for each controller, and 30 at once")
	flag.StringVar(&s.output, "o", "table", "how to print the figures: `table or json`")
	flag.StringVar(&s.profiles, "profiles", "", "write profiles of the manager in each step into a `directory`")
	flag.BoolVar(&s.requests, "requests", false, "list in the table which requests each manager made, by controller")
	flag.DurationVar(&s.timeout, "timeout", 30*time.Minute, "how long one step may take")
	flag.Usage = func() {
		out := flag.CommandLine.Output()
		fmt.Fprint(out, usage)
		for _, w := range workloads {
			fmt.Fprintf(out, "  %-14s %s\n", w.name, w.about)
		}
		fmt.Fprint(out, "\nFlags:\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	return s
}

// run measures what the flags ask for and prints it.
func run(ctx context.Context, s settings) error {
	selected, err := s.selected()
	if err != nil {
		return err
	}
	managers, err := s.managers()
	if err != nil {
		return err
	}
	if s.profiles != "" {
		if err := os.MkdirAll(s.profiles, 0o755); err != nil {
			return fmt.Errorf("making the directory for profiles: %w", err)
		}
	}
	report := newReport(s, managers)
	for turn, w := range selected {
		order := slices.Clone(managers)
		if turn%2 == 1 {
			slices.Reverse(order)
		}
		for _, manager := range order {
			steps, err := measure(ctx, s, w, manager)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			report.add(w, manager, steps, err)
		}
		report.print(w)
	}
	return report.finish()
}

// selected are the workloads to run.
func (s settings) selected() ([]workload, error) {
	if s.scale <= 0 {
		return nil, errors.New("-scale must be above 0")
	}
	if s.output != "table" && s.output != "json" {
		return nil, fmt.Errorf("-o %q: it is either table or json", s.output)
	}
	if s.only == "" {
		return workloads, nil
	}
	var chosen []workload
	for name := range strings.SplitSeq(s.only, ",") {
		i := slices.IndexFunc(workloads, func(w workload) bool { return w.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only: there is no workload %q; see -help for those that there are", name)
		}
		chosen = append(chosen, workloads[i])
	}
	return chosen, nil
}

func (s settings) managers() ([]string, error) {
	switch s.manager {
	case "":
		return []string{ours, upstream}, nil
	case ours, upstream:
		return []string{s.manager}, nil
	}
	return nil, fmt.Errorf("-manager %q: it is either %s or %s", s.manager, ours, upstream)
}

// scaled is a number of objects at the size that was asked for.
func (s settings) scaled(n int) int { return max(1, int(math.Round(float64(n)*s.scale))) }
