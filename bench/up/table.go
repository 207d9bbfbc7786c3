package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// row is one figure of all contenders.
type row struct {
	what   string
	format string
	of     func(figures) float64
}

// rows are the figures, in the units of their formats.
func rows(runtime string, s settings) []row {
	all := []row{
		{"binary", "%.0f MB", func(f figures) float64 { return float64(f.binary) / 1e6 }},
		{"/readyz", "%.1f s", func(f figures) float64 { return f.ready.Seconds() }},
		{"first pod running", "%.1f s", func(f figures) float64 { return f.firstPod.Seconds() }},
		{fmt.Sprintf("%d pods ready", s.replicas), "%.1f s", func(f figures) float64 { return f.replicas.Seconds() }},
		{fmt.Sprintf("CPU at rest, over %s", s.idle), "%.1f %%", func(f figures) float64 { return 100 * f.cpu }},
		{"memory at rest", "%.0f MiB", func(f figures) float64 { return f.rest.own() }},
		{fmt.Sprintf("memory after %d pods came and went", s.churn), "%.0f MiB", func(f figures) float64 { return f.afterwards.own() }},
	}
	if runtime == containerdRuntime {
		all = append(all, row{"containerd's memory, not in the above", "%.0f MiB", func(f figures) float64 { return f.rest.containerds() }})
	}
	return all
}

// printTable prints the figures of all contenders with one runtime, and how many times the first one's the others' are. What
// could not be measured is a dash.
func printTable(out io.Writer, runtime string, s settings, measured []figures) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "%s\torrery\t", runtime)
	if len(measured) > 1 {
		fmt.Fprint(table, "upstream\tupstream/orrery\t")
	}
	fmt.Fprintln(table)
	for _, r := range rows(runtime, s) {
		fmt.Fprintf(table, "%s\t", r.what)
		for _, f := range measured {
			fmt.Fprintf(table, "%s\t", r.cell(f))
		}
		if len(measured) > 1 {
			fmt.Fprintf(table, "%s\t", r.ratio(measured[1], measured[0]))
		}
		fmt.Fprintln(table)
	}
	fmt.Fprintln(table)
	return table.Flush()
}

func (r row) cell(f figures) string {
	if r.of(f) == 0 {
		return "-"
	}
	return fmt.Sprintf(r.format, r.of(f))
}

func (r row) ratio(a, b figures) string {
	if r.of(a) == 0 || r.of(b) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", r.of(a)/r.of(b))
}
