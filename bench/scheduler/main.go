// Command scheduler compares Orrery's scheduler with kube-scheduler: the same workloads, in the shape of upstream's
// scheduler_perf, on the same kind of API server, in one run.
//
// End to end, each workload is run once by each scheduler, and who goes first alternates. For each run there is a fresh
// API server with etcd, in a process of its own; the scheduler is a second process, so that its memory and CPU time can
// be told from the server's; this process creates the objects and watches pods becoming bound. Both schedulers have their
// default configuration, the same user and rights, and no limit on requests.
//
// As in scheduler_perf, some pods are scheduled before the measurement, which warms up what is involved. The measured pods
// are created next, while no scheduler runs, and then a scheduler is started that finds all of them pending: the clock runs
// from the first binding to the last, as a watch shows them, or from the first pod that is preempted. scheduler_perf creates them while the scheduler runs, but on
// machines on which that is faster than scheduling them, so that there is always a pod that waits. On few cores it is not,
// and one would measure how fast pods are created; -create during does so all the same, with scheduler_perf's 30 workers.
// Latency is measured after that, with pods that are created one by one.
//
// After a run the placements are checked: a node that is overfull or a constraint that is broken is reported and fails
// the run, however fast it was.
//
// The cycle alone is measured in memory, without an API server: see cycle.go for what is in the measured loop.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/orrery-dev/orrery/bench/internal/child"
)

const usage = `Compares Orrery's scheduler with kube-scheduler.

Usage:
  scheduler [flags]

Examples:
  scheduler                                        everything, at full size (on two cores about half an hour)
  scheduler -scale 0.1                             everything, with a tenth of the nodes and pods (about four minutes)
  scheduler -workloads basic,gang -rounds 3        two workloads, three times each; the median counts
  scheduler -workloads basic -nodes 1000 -pods 500 one workload at another size
  scheduler -only ours -profiles /tmp/profiles     one scheduler, with CPU and memory profiles of it and of the server
  scheduler -part cycle                            the scheduling cycle alone, without an API server
  scheduler -json result.json                      the figures, besides the table

Workloads:
`

// settings are the command's flags.
type settings struct {
	workloads string
	only      string
	nodes     int
	pods      int
	scale     float64
	rounds    int
	create    string
	part      string
	json      string
	profiles  string
	timeout   time.Duration
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
	flag.StringVar(&s.workloads, "workloads", "", "the `names` of the workloads to run, separated by commas (default all)")
	flag.StringVar(&s.only, "only", "", "run one scheduler only: `ours or upstream`")
	flag.IntVar(&s.nodes, "nodes", 0, "the `number` of nodes (default what the workload says); pods before the measurement follow in proportion")
	flag.IntVar(&s.pods, "pods", 0, "the `number` of measured pods (default what the workload says)")
	flag.Float64Var(&s.scale, "scale", 1, "a `factor` for the numbers of nodes and pods of the workloads")
	flag.IntVar(&s.rounds, "rounds", 1, "how `often` each scheduler runs each workload; the run of median throughput counts")
	flag.StringVar(&s.create, "create", "before", "create the measured pods `before or during` the scheduler's run")
	flag.StringVar(&s.part, "part", "all", "what to measure: `cluster, cycle or all`: end to end, the scheduling cycle alone, or both")
	flag.StringVar(&s.json, "json", "", "write the figures to a `file` as well")
	flag.StringVar(&s.profiles, "profiles", "", "write CPU and memory profiles of the measured part into a `directory`")
	flag.DurationVar(&s.timeout, "timeout", 10*time.Minute, "how long the pods of one step may take to be bound")
	flag.Usage = func() {
		out := flag.CommandLine.Output()
		fmt.Fprint(out, usage)
		for _, w := range workloads {
			fmt.Fprintf(out, "  %-24s %s\n", w.name, w.about)
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
	contenders, err := s.contenders()
	if err != nil {
		return err
	}
	if s.profiles != "" {
		if err := os.MkdirAll(s.profiles, 0o755); err != nil {
			return fmt.Errorf("making the directory for profiles: %w", err)
		}
	}
	report := newReport(s, contenders)
	for _, p := range parts {
		if s.part != "all" && s.part != p.name {
			continue
		}
		report.begin(p)
		for i, w := range selected {
			if p.cycle && !w.cycle {
				continue
			}
			if err := compare(ctx, s, w, p, contenders, i, report); err != nil {
				return err
			}
		}
	}
	return report.finish()
}

// part is one of the two kinds of measurement.
type part struct {
	name    string
	about   string
	cycle   bool
	measure func(context.Context, settings, workload, string) (figures, error)
}

var parts = []part{
	{name: "cluster", about: "End to end, on an API server", measure: measureEndToEnd},
	{name: "cycle", about: "The scheduling cycle alone, in memory", cycle: true, measure: measureCycle},
}

// compare measures a workload with each contender, once a round. Who goes first alternates with turns and rounds.
func compare(ctx context.Context, s settings, w workload, p part, contenders []string, turn int, report *report) error {
	for round := range s.rounds {
		order := slices.Clone(contenders)
		if (turn+round)%2 == 1 {
			slices.Reverse(order)
		}
		for _, contender := range order {
			figures, err := p.measure(ctx, s, w, contender)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			report.add(w, contender, figures, err)
		}
	}
	report.print(w)
	return nil
}

// selected are the workloads to run, at the size that was asked for.
func (s settings) selected() ([]workload, error) {
	if s.scale <= 0 || s.rounds < 1 || s.nodes < 0 || s.pods < 0 {
		return nil, errors.New("-scale and -rounds must be above 0, -nodes and -pods not below")
	}
	if s.create != "during" && s.create != "before" {
		return nil, fmt.Errorf("-create %q: it is either during or before", s.create)
	}
	if s.part != "all" && !slices.ContainsFunc(parts, func(p part) bool { return p.name == s.part }) {
		return nil, fmt.Errorf("-part %q: it is cluster, cycle or all", s.part)
	}
	var result []workload
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(s.workloads, ",") {
		wanted[strings.TrimSpace(name)] = true
	}
	for _, w := range workloads {
		named := wanted[w.name]
		delete(wanted, w.name)
		if s.workloads == "" || named {
			result = append(result, w.sized(s))
		}
	}
	delete(wanted, "")
	for name := range wanted {
		return nil, fmt.Errorf("-workloads: there is no workload %q; see -help for those that there are", name)
	}
	return result, nil
}

func (s settings) contenders() ([]string, error) {
	switch s.only {
	case "":
		return []string{ours, upstream}, nil
	case ours, upstream:
		return []string{s.only}, nil
	}
	return nil, fmt.Errorf("-only %q: it is either %s or %s", s.only, ours, upstream)
}
