package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// result is what one scheduler did with one workload.
type result struct {
	Part      string `json:"part"`
	Workload  string `json:"workload"`
	Like      string `json:"like"`
	Nodes     int    `json:"nodes"`
	Scheduler string `json:"scheduler"`
	// Rounds are the throughputs of all rounds, in pods a second. The other figures are of the one of median throughput.
	Rounds []float64 `json:"rounds"`
	figures
	// Errors are of the rounds that could not be measured, or whose placements were wrong.
	Errors []string `json:"errors,omitempty"`

	all []figures
}

// ratio is ours to upstream's: above 1, ours has more.
type ratio struct {
	Part       string  `json:"part"`
	Workload   string  `json:"workload"`
	Throughput float64 `json:"throughput"`
	Memory     float64 `json:"memory"`
	// CPU is the scheduler's. All is that of scheduler, server and benchmark together: where they keep all cores busy, and
	// nothing else does, it is the inverse of Throughput. It is the figure to trust on a machine that does other work, too.
	CPU float64 `json:"cpu"`
	All float64 `json:"all"`
}

type report struct {
	settings   settings
	contenders []string
	part       part
	results    []*result
	ratios     []ratio
}

func newReport(s settings, contenders []string) *report {
	return &report{settings: s, contenders: contenders}
}

// begin starts a part.
func (r *report) begin(p part) {
	r.part = p
	fmt.Printf("%s, on %d cores\n", p.about, runtime.NumCPU())
}

func (r *report) of(workload, contender string) *result {
	for _, result := range r.results {
		if result.Part == r.part.name && result.Workload == workload && result.Scheduler == contender {
			return result
		}
	}
	return nil
}

// add takes in a run.
func (r *report) add(w workload, contender string, f figures, err error) {
	at := r.of(w.name, contender)
	if at == nil {
		at = &result{Part: r.part.name, Workload: w.name, Like: w.like, Nodes: w.nodes, Scheduler: contender}
		r.results = append(r.results, at)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s · %s: %v\n", w.name, contender, err)
		at.Errors = append(at.Errors, err.Error())
		return
	}
	fmt.Fprintf(os.Stderr, "%s · %s: %.0f pods/s; CPU per pod: scheduler %.2f ms, server %.2f ms, benchmark %.2f ms\n", w.name, contender,
		f.Throughput.Average, 1000*f.CPU/float64(f.Pods), 1000*f.ServerCPU/float64(f.Pods), 1000*f.BenchmarkCPU/float64(f.Pods))
	at.all = append(at.all, f)
	at.Rounds = append(at.Rounds, f.Throughput.Average)
	slices.SortFunc(at.all, func(a, b figures) int { return int(a.Throughput.Average - b.Throughput.Average) })
	at.figures = at.all[len(at.all)/2]
}

// print shows a workload once all its runs are over, with the ratio.
func (r *report) print(w workload) {
	fmt.Printf("\n%s: %d nodes, %d pods\n", w.name, w.nodes, w.measured.pods)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	if r.part.cycle {
		fmt.Fprint(table, "\tpods/s\tmemory\tCPU ms/pod\t\n")
	} else {
		fmt.Fprint(table, "\tpods/s\tp5\tp50\tp90\tp99\tlatency p50\tp99\tattempt p50\tp99\tmemory\tCPU ms/pod\tserver\tbenchmark\t\n")
	}
	for _, contender := range r.contenders {
		if at := r.of(w.name, contender); len(at.all) > 0 {
			fmt.Fprintln(table, r.row(contender, at.figures))
		}
	}
	_ = table.Flush()
	for _, contender := range r.contenders {
		for _, text := range r.of(w.name, contender).Errors {
			line, _, _ := strings.Cut(text, "\n")
			fmt.Printf("%s could not be measured: %s\n", contender, line)
		}
	}
	if w.preempts {
		r.printSinceFirstBinding(w)
	}
	r.printRatio(w)
	r.printRequests(w)
}

// printSinceFirstBinding shows how the throughput would read if making room did not count.
func (r *report) printSinceFirstBinding(w workload) {
	for _, contender := range r.contenders {
		if at := r.of(w.name, contender); len(at.all) > 0 {
			fmt.Printf("from the first binding alone, %s: %.0f pods/s\n", contender, at.SinceFirstBinding)
		}
	}
}

func (r *report) row(contender string, f figures) string {
	perPod := func(seconds float64) string { return fmt.Sprintf("%.2f", 1000*seconds/float64(f.Pods)) }
	count := func(n float64) string { return fmt.Sprintf("%.0f", n) }
	cells := []string{contender, count(f.Throughput.Average)}
	if !r.part.cycle {
		cells = append(cells, count(f.Throughput.P5), count(f.Throughput.P50), count(f.Throughput.P90), count(f.Throughput.P99),
			milliseconds(f.Latency.P50), milliseconds(f.Latency.P99), milliseconds(f.Attempt.P50), milliseconds(f.Attempt.P99))
	}
	cells = append(cells, fmt.Sprintf("%d MB", f.Memory/1e6), perPod(f.CPU))
	if !r.part.cycle {
		cells = append(cells, perPod(f.ServerCPU), perPod(f.BenchmarkCPU))
	}
	return strings.Join(cells, "\t") + "\t"
}

func (r *report) printRatio(w workload) {
	mine, theirs := r.of(w.name, ours), r.of(w.name, upstream)
	if mine == nil || theirs == nil || len(mine.all) == 0 || len(theirs.all) == 0 {
		return
	}
	by := ratio{
		Part:       r.part.name,
		Workload:   w.name,
		Throughput: mine.Throughput.Average / theirs.Throughput.Average,
		Memory:     float64(mine.Memory) / float64(theirs.Memory),
		CPU:        mine.CPU / max(theirs.CPU, 1e-9),
		All:        mine.allCPU() / max(theirs.allCPU(), 1e-9),
	}
	r.ratios = append(r.ratios, by)
	fmt.Printf("ratio: %.2f times the throughput, 1/%.2f of the scheduler's CPU, 1/%.2f of all CPU, %.2f times the memory\n",
		by.Throughput, 1/by.CPU, 1/by.All, by.Memory)
}

func (r *report) printRequests(w workload) {
	for _, contender := range r.contenders {
		at := r.of(w.name, contender)
		var parts []string
		for _, what := range slices.Sorted(maps.Keys(at.Requests)) {
			if count := at.Requests[what]; count*100 > at.Pods {
				parts = append(parts, fmt.Sprintf("%s %.2f", what, float64(count)/float64(at.Pods)))
			}
		}
		if len(parts) > 0 {
			fmt.Printf("requests per pod, %s: %s\n", contender, strings.Join(parts, ", "))
		}
	}
}

// finish writes the figures to a file, if one is wanted. It is an error when not everything could be measured.
func (r *report) finish() error {
	if r.settings.json != "" {
		encoded, err := json.MarshalIndent(map[string]any{
			"cores": runtime.NumCPU(), "create": r.settings.create, "results": r.results, "ratios": r.ratios,
		}, "", "  ")
		if err != nil {
			return fmt.Errorf("encoding the figures: %w", err)
		}
		if err := os.WriteFile(r.settings.json, append(encoded, '\n'), 0o644); err != nil {
			return fmt.Errorf("writing the figures: %w", err)
		}
	}
	for _, result := range r.results {
		if len(result.Errors) > 0 {
			return errors.New("not every workload could be measured")
		}
	}
	return nil
}

func milliseconds(seconds float64) string {
	switch ms := 1000 * seconds; {
	case ms == 0:
		return "-"
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	default:
		return fmt.Sprintf("%.0f ms", ms)
	}
}
