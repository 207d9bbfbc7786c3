package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/liveview"
	"github.com/orrery-dev/orrery/internal/cli/printer"
)

const (
	// watchEvery is how often a watched instance is asked how it is.
	watchEvery = 500 * time.Millisecond
	// watchPatience is how long it has to answer.
	watchPatience = 2 * time.Second
)

// seenStatus is how an instance was when it was last asked. An instance that cannot be asked is one to be watched too: it may
// start, or answer again.
type seenStatus struct {
	instance.Status
	// silent says why there is no status; empty where there is one.
	silent string
}

func seeStatus(ctx context.Context, inst *instance.Instance) seenStatus {
	if !inst.Running() {
		return seenStatus{silent: "instance " + inst.Name + " is not running"}
	}
	asking, cancel := context.WithTimeout(ctx, watchPatience)
	defer cancel()
	status, err := inst.Status(asking)
	if err != nil {
		return seenStatus{silent: err.Error()}
	}
	return seenStatus{Status: status}
}

// watchStatus shows how an instance is until ctx ends: in place on a terminal, as lines of what has changed anywhere else.
func watchStatus(ctx context.Context, out io.Writer, inst *instance.Instance, format printer.Format) error {
	if liveview.On(out) && !format.ForPrograms() {
		return liveview.Show(ctx, out.(*os.File), watchEvery, func(ctx context.Context, width int) string {
			return drawStatus(seeStatus(ctx, inst), format == printer.Wide, width, time.Now())
		})
	}
	return lineByLine(ctx, out, format, func() seenStatus { return seeStatus(ctx, inst) })
}

var stateInks = map[instance.State]lipgloss.Style{
	instance.Running: lipgloss.NewStyle().Foreground(lipgloss.Green),
	instance.Failed:  lipgloss.NewStyle().Foreground(lipgloss.Red),
}

func drawStatus(seen seenStatus, wide bool, width int, now time.Time) string {
	faint := lipgloss.NewStyle().Faint(true)
	lines := []string{seen.silent}
	if seen.silent == "" {
		table := statusTable(seen.Status, now)
		for _, row := range table.Rows {
			row[1] = stateInks[instance.State(row[1])].Render(row[1])
		}
		lines = append([]string{headline(seen.Status, now), ""}, table.Fit(wide, width)...)
	}
	return strings.Join(append(lines, "", faint.Render("q ends this")), "\n")
}

// lineByLine writes how an instance is at first, and then what has changed: for people a line for each component, for programs
// the whole status in one line of JSON, or a document of YAML.
func lineByLine(ctx context.Context, out io.Writer, format printer.Format, see func() seenStatus) error {
	again := time.NewTicker(watchEvery)
	defer again.Stop()
	var before seenStatus
	for first := true; ; first = false {
		now := see()
		if ctx.Err() != nil {
			return nil // interrupted: what was seen meanwhile means nothing
		}
		if lines := changes(before, now, first); len(lines) > 0 {
			if err := writeChange(out, format, now, lines); err != nil {
				return err
			}
		}
		before = now
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// changes are a line for each component that is not as it was.
func changes(before, now seenStatus, first bool) []string {
	if now.silent != "" {
		if first || before.silent != now.silent {
			return []string{now.silent}
		}
		return nil
	}
	was := map[string]instance.Component{}
	if before.PID == now.PID {
		for _, c := range before.Components {
			was[c.Name] = c
		}
	}
	var lines []string
	for _, c := range now.Components {
		old, known := was[c.Name]
		if known && old.State == c.State && old.Restarts == c.Restarts && old.Since.Equal(c.Since) {
			continue
		}
		line := fmt.Sprintf("%s %s %s", c.Since.Local().Format(time.TimeOnly), c.Name, c.State)
		for _, more := range []string{c.Detail, errorOf(c)} {
			if more != "" {
				line += ": " + more
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// errorOf is what is wrong with a component now: an error that was mended is none.
func errorOf(c instance.Component) string {
	if c.State != instance.Failed {
		return ""
	}
	return c.LastError
}

func writeChange(out io.Writer, format printer.Format, now seenStatus, lines []string) error {
	switch {
	case !format.ForPrograms():
		_, err := fmt.Fprintln(out, strings.Join(lines, "\n"))
		return err
	case now.silent != "": // there is no status to print, and the next one has another process
		return nil
	default:
		return printer.One(out, format, now.Status)
	}
}
