package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"
)

func newStatus(t *target) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "status",
		Short: "Show how each part of the control plane is",
		Long: `Show each part of the control plane: its state, since when, and what went wrong last.
The exit code is 1 unless all of them run.`,
		Example: `  orrery status
  orrery status -o json | jq -r '.components[] | select(.state != "Running") | .name'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if output != "" && output != "json" {
				return fmt.Errorf("--output %q: only json is known, or nothing for a table", output)
			}
			inst, err := t.instance()
			if err != nil {
				return err
			}
			if !inst.Running() {
				return notRunning(inst)
			}
			status, err := inst.Status(c.Context())
			if err != nil {
				return err
			}
			if err := writeStatus(c.OutOrStdout(), status, output, time.Now()); err != nil {
				return err
			}
			return allRun(status)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "`format`: json, or a table if empty")
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

func writeStatus(out io.Writer, status instance.Status, format string, now time.Time) error {
	if format == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(status)
	}
	fmt.Fprintf(out, "%s %s, process %d, up for %s, at %s\n\n",
		status.Name, status.Version, status.PID, duration.HumanDuration(now.Sub(status.Since)), status.Server)
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "COMPONENT\tSTATE\tSINCE\tRESTARTS\tDETAIL\tLAST ERROR")
	for _, c := range status.Components {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\n",
			c.Name, c.State, duration.HumanDuration(now.Sub(c.Since)), c.Restarts, c.Detail, orDash(c.LastError))
	}
	return table.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
