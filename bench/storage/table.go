package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// printTable prints what was measured, and how many times what a pod takes without a claim one with a claim takes.
func printTable(out io.Writer, s settings, plain, claimed figures, own time.Duration) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "created to Ready, %s\twithout a claim\twith a fresh volume\tratio\tmore by\t\n", s.runtime)
	for _, row := range []struct {
		what           string
		plain, claimed time.Duration
	}{
		{fmt.Sprintf("one, median of %d", s.rounds), plain.one, claimed.one},
		{fmt.Sprintf("%d at once, the first", s.many), plain.first, claimed.first},
		{fmt.Sprintf("%d at once, the last", s.many), plain.last, claimed.last},
	} {
		fmt.Fprintf(table, "%s\t%s\t%s\t%.2f\t%s\t\n", row.what, rounded(row.plain), rounded(row.claimed),
			row.claimed.Seconds()/row.plain.Seconds(), rounded(row.claimed-row.plain))
	}
	fmt.Fprintf(table, "the driver's own time for a volume, median of %d\t\t%s\t\t\t\n", s.rounds, rounded(own))
	return table.Flush()
}

func rounded(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
