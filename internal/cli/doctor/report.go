package doctor

import (
	"fmt"
	"io"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/orrery-dev/orrery/internal/cli/printer"
)

var inks = map[Level]lipgloss.Style{
	OK:      lipgloss.NewStyle().Foreground(lipgloss.Green),
	Unknown: lipgloss.NewStyle().Faint(true),
	Warning: lipgloss.NewStyle().Foreground(lipgloss.Yellow),
	Error:   lipgloss.NewStyle().Foreground(lipgloss.Red),
}

// Report writes all findings for a person: a line each, and below those that are not well why and what cures them.
func Report(out io.Writer, findings []Finding) error {
	ink := printer.Colourer(out)
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s  %-15s  %s\n", ink(inks[f.Level], fmt.Sprintf("%-7s", f.Level)), f.Check, f.What)
		more(&b, f)
	}
	fmt.Fprintf(&b, "\n%s\n", sum(findings))
	_, err := io.WriteString(out, b.String())
	return err
}

// Brief writes what is not well, with what cures it, a line each, and nothing where all is well.
func Brief(out io.Writer, findings []Finding) error {
	ink := printer.Colourer(out)
	var b strings.Builder
	for _, f := range findings {
		if f.Level == Warning || f.Level == Error {
			fmt.Fprintf(&b, "%s %s: %s (cure: %s)\n", ink(inks[f.Level], string(f.Level)+":"), f.Check, f.What, f.Cure)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func more(b *strings.Builder, f Finding) {
	if f.Why != "" {
		fmt.Fprintf(b, "         why:  %s\n", f.Why)
	}
	if f.Cure != "" {
		fmt.Fprintf(b, "         cure: %s\n", f.Cure)
	}
}

// sum says in one line how it stands.
func sum(findings []Finding) string {
	counts := map[Level]int{}
	for _, f := range findings {
		counts[f.Level]++
	}
	if counts[Error]+counts[Warning] == 0 {
		return fmt.Sprintf("%d checked, and nothing is in the way", len(findings))
	}
	return fmt.Sprintf("%d checked: %s, %s", len(findings), number(counts[Error], "error"), number(counts[Warning], "warning"))
}

func number(count int, noun string) string {
	if count == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", count, noun)
}
