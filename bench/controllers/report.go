package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// result is what one manager did in one workload.
type result struct {
	Workload string    `json:"workload"`
	Manager  string    `json:"manager"`
	Steps    []figures `json:"steps"`
	// Error is why not all steps could be measured, or what was wrong with a result.
	Error string `json:"error,omitempty"`
}

type report struct {
	settings settings
	managers []string
	results  []result
}

func newReport(s settings, managers []string) *report {
	return &report{settings: s, managers: managers}
}

// add takes in a run.
func (r *report) add(w workload, manager string, steps []figures, err error) {
	at := result{Workload: w.name, Manager: manager, Steps: steps}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s · %s: %v\n", w.name, manager, err)
		at.Error = err.Error()
	}
	r.results = append(r.results, at)
}

// of are the figures of a step; nil if there are none.
func (r *report) of(workload, manager, step string) *figures {
	for _, result := range r.results {
		if result.Workload != workload || result.Manager != manager {
			continue
		}
		if i := slices.IndexFunc(result.Steps, func(f figures) bool { return f.Step == step }); i >= 0 {
			return &result.Steps[i]
		}
	}
	return nil
}

// steps are the names of the steps of a workload that anybody came to.
func (r *report) steps(workload string) []string {
	var names []string
	for _, result := range r.results {
		for _, f := range result.Steps {
			if result.Workload == workload && !slices.Contains(names, f.Step) {
				names = append(names, f.Step)
			}
		}
	}
	return names
}

// print shows a workload once both have run it.
func (r *report) print(w workload) {
	if r.settings.output == "json" {
		return
	}
	fmt.Printf("\n%s: %s\n", w.name, w.about)
	fmt.Print(r.table(w.name))
	for _, result := range r.results {
		if result.Workload == w.name && result.Error != "" {
			line, _, _ := strings.Cut(result.Error, "\n")
			fmt.Printf("%s could not be measured to its end: %s\n", result.Manager, line)
		}
	}
	if r.settings.requests {
		r.printRequests(w.name)
	}
}

// table has for each step a line of each manager, and one of ours divided by upstream's.
func (r *report) table(workload string) string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "step\tmanager\tobjects\ttime\twrites/object\tof that Events\trefused\treads\tCPU\tserver's CPU\tpeak memory\t\n")
	for _, step := range r.steps(workload) {
		for _, manager := range r.managers {
			if f := r.of(workload, manager, step); f != nil {
				fmt.Fprintf(table, "%s\t%s\t%d\t%.1f s\t%.2f\t%.2f\t%d\t%d\t%.1f s\t%.1f s\t%d MB\t\n", step, manager, f.Objects, f.Time, f.perObject(),
					float64(f.Events)/float64(max(f.Objects, 1)), f.Refused, f.Reads, f.CPU, f.ServerCPU, f.Memory/1e6)
			}
		}
		mine, theirs := r.of(workload, ours, step), r.of(workload, upstream, step)
		if mine != nil && theirs != nil {
			fmt.Fprintf(table, "\tratio\t\t%s\t%s\t\t\t\t%s\t%s\t%s\t\n", ratio(mine.Time, theirs.Time), ratio(float64(mine.Writes), float64(theirs.Writes)),
				ratio(mine.CPU, theirs.CPU), ratio(mine.ServerCPU, theirs.ServerCPU), ratio(float64(mine.Memory), float64(theirs.Memory)))
		}
	}
	_ = table.Flush() // into memory
	return text.String()
}

// ratio is ours to upstream's: above 1, ours has more.
func ratio(mine, theirs float64) string {
	if theirs == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", mine/theirs)
}

// printRequests lists the requests of each manager, the most frequent first.
func (r *report) printRequests(workload string) {
	for _, step := range r.steps(workload) {
		for _, manager := range r.managers {
			f := r.of(workload, manager, step)
			if f == nil {
				continue
			}
			slices.SortFunc(f.Requests, func(a, b requests) int { return cmp.Compare(b.Count, a.Count) })
			fmt.Printf("requests of %s in %s:\n", manager, step)
			for _, each := range f.Requests {
				refused := ""
				if each.Refused {
					refused = " (refused)"
				}
				fmt.Printf("  %7d %s: %s %s%s\n", each.Count, each.By, each.Verb, each.What, refused)
			}
		}
	}
}

// finish prints the figures, if that has not been done. It is an error when not everything could be measured.
func (r *report) finish() error {
	if r.settings.output == "json" {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(map[string]any{"cores": runtime.NumCPU(), "scale": r.settings.scale, "limits": r.settings.limits, "results": r.results}); err != nil {
			return fmt.Errorf("encoding the figures: %w", err)
		}
	}
	if slices.ContainsFunc(r.results, func(result result) bool { return result.Error != "" }) {
		return errors.New("not every workload could be measured")
	}
	return nil
}
