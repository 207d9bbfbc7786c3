package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"
)

func newStatus(t *target) *cobra.Command {
	var (
		format printer.Format
		watch  bool
	)
	c := &cobra.Command{
		Use:   "status",
		Short: "Show how each part of the control plane is",
		Long: `Show each part of the control plane: its state, since when, and what went wrong last.
The exit code is 1 unless all of them run.

With --watch it goes on until it is interrupted: as a picture that changes in place on a
terminal, and anywhere else as a line for each part whose state has changed.`,
		Example: `  orrery status
  orrery status --watch
  orrery status -o json | jq -r '.components[] | select(.state != "Running") | .name'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			if watch {
				return watchStatus(c.Context(), c.OutOrStdout(), inst, format)
			}
			if !inst.Running() {
				return notRunning(inst)
			}
			status, err := inst.Status(c.Context())
			if err != nil {
				return err
			}
			if err := writeStatus(c.OutOrStdout(), status, format, time.Now()); err != nil {
				return err
			}
			return allRun(status)
		},
	}
	format.AddFlag(c)
	c.Flags().BoolVarP(&watch, "watch", "w", false, "go on showing it as it changes, until interrupted")
	return c
}

func notRunning(inst *instance.Instance) error {
	up := inst.Command("up")
	if left, err := leftProcesses(inst); err == nil && len(left) > 0 {
		return fmt.Errorf("instance %s is not running, but %d processes that it left behind are: go on with '%s', or stop them with '%s'",
			inst.Name, len(left), up, inst.Command("down"))
	}
	if !inst.Exists() {
		return fmt.Errorf("there is no instance %s in %s: start one with '%s'", inst.Name, inst.Dir, up)
	}
	return fmt.Errorf("instance %s is not running: start it with '%s'; its last words are in %s", inst.Name, up, inst.Log())
}

func allRun(status instance.Status) error {
	for _, component := range status.Components {
		if component.State != instance.Running {
			return fmt.Errorf("%s is not running (%s)", component.Name, component.State)
		}
	}
	return nil
}

func writeStatus(out io.Writer, status instance.Status, format printer.Format, now time.Time) error {
	if !format.ForPrograms() {
		if _, err := fmt.Fprintf(out, "%s\n\n", headline(status, now)); err != nil {
			return err
		}
	}
	return printer.Print(out, format, status, func() printer.Table { return statusTable(status, now) })
}

func headline(status instance.Status, now time.Time) string {
	return fmt.Sprintf("%s %s, process %d, up for %s, at %s",
		status.Name, status.Version, status.PID, duration.HumanDuration(now.Sub(status.Since)), status.Server)
}

func statusTable(status instance.Status, now time.Time) printer.Table {
	table := printer.Table{Columns: []printer.Column{
		{Name: "COMPONENT"}, {Name: "STATE"}, {Name: "SINCE"}, {Name: "RESTARTS"}, {Name: "DETAIL", Yields: true}, {Name: "LAST ERROR", Yields: true},
	}}
	for _, c := range status.Components {
		table.Rows = append(table.Rows, []string{
			c.Name, string(c.State), duration.HumanDuration(now.Sub(c.Since)), fmt.Sprint(c.Restarts), c.Detail, c.LastError,
		})
	}
	return table
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
