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

// ratio is ours to upstream's; above 1, ours is the faster.
type ratio struct {
	Workload   string  `json:"workload"`
	Throughput float64 `json:"throughput"`
	Memory     float64 `json:"memory"`
	CPU        float64 `json:"cpu"`
}

type report struct {
	settings   settings
	contenders []string
	results    []*result
	ratios     []ratio
	table      *tabwriter.Writer
}

func newReport(s settings, contenders []string) *report {
	r := &report{settings: s, contenders: contenders, table: tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)}
	return r
}

func (r *report) of(workload, contender string) *result {
	for _, result := range r.results {
		if result.Workload == workload && result.Scheduler == contender {
			return result
		}
	}
	return nil
}

// add takes in a run.
func (r *report) add(w workload, contender string, f figures, err error) {
	at := r.of(w.name, contender)
	if at == nil {
		at = &result{Workload: w.name, Like: w.like, Nodes: w.nodes, Scheduler: contender}
		r.results = append(r.results, at)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s · %s: %v\n", w.name, contender, err)
		at.Errors = append(at.Errors, err.Error())
		return
	}
	at.all = append(at.all, f)
	at.Rounds = append(at.Rounds, f.Throughput.Average)
	slices.SortFunc(at.all, func(a, b figures) int { return int(a.Throughput.Average - b.Throughput.Average) })
	at.figures = at.all[len(at.all)/2]
}

// print shows a workload once all its runs are over, with the ratio.
func (r *report) print(w workload) {
	if len(r.ratios) == 0 && len(r.results) <= len(r.contenders) {
		fmt.Printf("%d nodes and %d pods and so on; %d cores; ms are milliseconds\n", w.nodes, w.measured.pods, runtime.NumCPU())
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "\n%s\tpods/s\tp5\tp50\tp90\tlatency p50\tp99\tattempt p50\tp99\tmemory\tCPU\tserver\tbenchmark\t\n", w.name)
	for _, contender := range r.contenders {
		at := r.of(w.name, contender)
		if len(at.all) == 0 {
			fmt.Fprintf(table, "%s\tno figures: %s\t\n", contender, firstLine(at.Errors))
			continue
		}
		f := at.figures
		fmt.Fprintf(table, "%s\t%.0f\t%.0f\t%.0f\t%.0f\t%s\t%s\t%s\t%s\t%d MB\t%.2f ms/pod\t%.2f ms/pod\t%.2f ms/pod\t\n", contender,
			f.Throughput.Average, f.Throughput.P5, f.Throughput.P50, f.Throughput.P90,
			milliseconds(f.Latency.P50), milliseconds(f.Latency.P99), milliseconds(f.Attempt.P50), milliseconds(f.Attempt.P99),
			f.Memory/1e6, 1000*f.CPU/float64(f.Pods), 1000*f.ServerCPU/float64(f.Pods), 1000*f.BenchmarkCPU/float64(f.Pods))
	}
	_ = table.Flush()
	r.printRatio(w)
	r.printRequests(w)
}

func (r *report) printRatio(w workload) {
	mine, theirs := r.of(w.name, ours), r.of(w.name, upstream)
	if mine == nil || theirs == nil || len(mine.all) == 0 || len(theirs.all) == 0 {
		return
	}
	by := ratio{
		Workload:   w.name,
		Throughput: mine.Throughput.Average / theirs.Throughput.Average,
		Memory:     float64(mine.Memory) / float64(theirs.Memory),
		CPU:        mine.CPU / max(theirs.CPU, 1e-9),
	}
	r.ratios = append(r.ratios, by)
	fmt.Printf("ratio: %.2f times the throughput, %.2f times the CPU, %.2f times the memory\n", by.Throughput, by.CPU, by.Memory)
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
			"cores": runtime.NumCPU(), "create": r.settings.create, "cycleAlone": r.settings.cycle, "results": r.results, "ratios": r.ratios,
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

func firstLine(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	line, _, _ := strings.Cut(texts[0], "\n")
	return line
}
