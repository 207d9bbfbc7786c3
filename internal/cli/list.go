package cli

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"
)

// listed is an instance in a list. Its JSON is stable: fields may be added.
type listed struct {
	Name string `json:"name"`
	Dir  string `json:"dir"`
	// State is Stopped; or Silent for one that runs and does not answer; or Running, or the state of a component that does not
	// run.
	State   string             `json:"state"`
	Server  string             `json:"server,omitempty"`
	Version string             `json:"version,omitempty"`
	PID     int                `json:"pid,omitempty"`
	Since   time.Time          `json:"since,omitzero"`
	Ranges  instance.Addresses `json:"addresses"`
}

func newList(t *target) *cobra.Command {
	var format printer.Format
	c := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the control planes on this machine",
		Long: `List the control planes in the data directory, running or not, with how they are and
where their API servers listen. Those in another data directory are not known.`,
		Example: `  orrery list
  orrery list -o json | jq -r '.[] | select(.state == "Stopped") | .name'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			instances, err := t.instances()
			if err != nil {
				return err
			}
			list := listAll(c.Context(), instances)
			return printer.Print(c.OutOrStdout(), format, list, func() printer.Table { return listTable(list, time.Now()) })
		},
	}
	format.AddFlag(c)
	return c
}

// instances are those in the data directory, by name.
func (t *target) instances() ([]*instance.Instance, error) {
	entries, err := os.ReadDir(t.dataDir)
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("listing the instances in %s: %w", t.dataDir, err)
	}
	var instances []*instance.Instance
	for _, entry := range entries {
		if inst, err := instance.Open(t.dataDir, entry.Name()); err == nil && entry.IsDir() {
			instances = append(instances, inst)
		}
	}
	return instances, nil
}

// listAll asks all instances side by side, since one may not answer.
func listAll(ctx context.Context, instances []*instance.Instance) []listed {
	list := make([]listed, len(instances))
	var asked sync.WaitGroup
	for i, inst := range instances {
		asked.Go(func() {
			list[i] = listedAs(inst, seeStatus(ctx, inst))
			if settings, err := inst.Settings(); err == nil { // one that cannot be read is one that was never started, to a list
				list[i].Ranges = settings.Addresses
			}
		})
	}
	asked.Wait()
	return list
}

func listedAs(inst *instance.Instance, seen seenStatus) listed {
	l := listed{Name: inst.Name, Dir: inst.Dir, State: "Stopped"}
	switch {
	case seen.silent != "" && inst.Running():
		l.State, l.PID = "Silent", inst.PID()
	case seen.silent == "":
		l.State, l.Server, l.Version, l.PID, l.Since = string(instance.Running), seen.Server, seen.Version, seen.PID, seen.Since
		for _, c := range seen.Components {
			if c.State != instance.Running {
				l.State = string(c.State)
			}
		}
	}
	return l
}

func listTable(list []listed, now time.Time) printer.Table {
	table := printer.Table{Columns: []printer.Column{
		{Name: "NAME"}, {Name: "STATE"}, {Name: "UP FOR"}, {Name: "SERVER"}, {Name: "DIRECTORY", Yields: true},
		{Name: "PROCESS", WideOnly: true}, {Name: "VERSION", WideOnly: true}, {Name: "PODS", WideOnly: true}, {Name: "SERVICES", WideOnly: true},
	}}
	for _, l := range list {
		row := []string{l.Name, l.State, "", l.Server, l.Dir, "", l.Version, "", ""}
		if !l.Since.IsZero() {
			row[2] = duration.HumanDuration(now.Sub(l.Since))
		}
		if l.PID != 0 {
			row[5] = fmt.Sprint(l.PID)
		}
		if l.Ranges.Pods.IsValid() {
			row[7], row[8] = l.Ranges.Pods.String(), l.Ranges.Services.String()
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}
