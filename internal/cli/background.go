package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/progress"
	"github.com/spf13/cobra"
)

// joinPause is how often a running instance is asked whether all of it has come up.
const joinPause = 200 * time.Millisecond

// runInBackground launches this same command with --foreground, and returns when it is ready. Where it runs already, as it was asked
// for, there is nothing to do.
func runInBackground(c *cobra.Command, inst *instance.Instance, o upOptions) error {
	ctx, cancel := context.WithTimeout(c.Context(), o.timeout)
	defer cancel()
	running, err := inst.Probe(ctx)
	if err != nil {
		return err
	}
	if running != nil {
		if err := join(ctx, inst, *running, differences(c.Flags(), *running)); err != nil {
			return err
		}
		if o.controllers, err = selectionOf(*running); err != nil {
			return err
		}
		c.Printf("instance %s runs already (process %d)\n", inst.Name, running.PID)
		c.Print(whatNext(inst, o))
		return nil
	}
	if err := inst.Prepare(); err != nil {
		return err
	}
	forewarn(c, inst, o.runtimeOptions, o.port)
	view := progress.New(c.OutOrStdout())
	err = launch(ctx, inst, append(slices.Clone(os.Args[1:]), "--foreground"), view)
	view.Close()
	if err != nil {
		return err
	}
	c.Print(whatNext(inst, o))
	return nil
}

// join waits until all of a running instance has come up. What it differs in from what was asked for is an error.
func join(ctx context.Context, inst *instance.Instance, status instance.Status, differ []string) error {
	if len(differ) > 0 {
		return fmt.Errorf("instance %s runs already (process %d), and not as asked: %s: to change that, stop it with '%s' and start it again",
			inst.Name, status.PID, strings.Join(differ, ", "), inst.Command("down"))
	}
	for {
		coming, err := outlook(status.Components)
		if err != nil {
			return fmt.Errorf("instance %s runs already (process %d), but %w", inst.Name, status.PID, err)
		}
		if len(coming) == 0 {
			return nil
		}
		select {
		case <-time.After(joinPause):
		case <-ctx.Done():
			return fmt.Errorf("instance %s (process %d) has been starting all the while, and %s did not come up: see %s",
				inst.Name, status.PID, strings.Join(coming, ", "), inst.Log())
		}
		if status, err = inst.Status(ctx); err != nil {
			return err
		}
	}
}

// outlook is which components are still to come, or which has failed.
func outlook(components []instance.Component) (coming []string, err error) {
	for _, component := range components {
		switch component.State {
		case instance.Waiting, instance.Starting:
			coming = append(coming, component.Name)
		case instance.Failed, instance.Stopped:
			return nil, fmt.Errorf("its %s is %s: %s", component.Name, strings.ToLower(string(component.State)), orDash(component.LastError))
		case instance.Running:
		}
	}
	return coming, nil
}
