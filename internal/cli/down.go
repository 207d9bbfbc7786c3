package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/apiserver/snapshot"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/spf13/cobra"
)

func newDown(t *target) *cobra.Command {
	var patience time.Duration
	c := &cobra.Command{
		Use:   "down",
		Short: "Stop the control plane; what it stores stays",
		Long: `Stop the control plane, its containers included, and whatever one that was killed has
left running. The next 'orrery up' continues with every object. 'orrery reset' removes
them.`,
		Example: `  orrery down
  orrery down --name second`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			said, err := stop(c.Context(), inst, patience)
			if said != "" {
				c.Println(said)
			}
			return err
		},
	}
	c.Flags().DurationVar(&patience, "timeout", time.Minute, "how long to wait for it to stop by itself, before it is killed")
	return c
}

// stop ends all processes of an instance, and says in a sentence how that went.
func stop(ctx context.Context, inst *instance.Instance, patience time.Duration) (string, error) {
	ran := inst.Running()
	killed, err := inst.Stop(ctx, patience)
	if err != nil {
		return "", err
	}
	left, err := stopLeft(ctx, inst)
	if err != nil {
		return "", err
	}
	further, err := stopFurthers(ctx, inst)
	if err != nil {
		return "", err
	}
	left += further
	switch {
	case killed:
		return fmt.Sprintf("instance %s did not stop within %s and was killed; its state is in %s", inst.Name, patience, inst.Dir), nil
	case ran:
		return fmt.Sprintf("instance %s has stopped; its state is in %s", inst.Name, inst.Dir), nil
	case left > 0:
		return fmt.Sprintf("instance %s was not running; the %d processes that it had left behind are stopped; its state is in %s", inst.Name, left, inst.Dir), nil
	default:
		return fmt.Sprintf("instance %s is not running", inst.Name), nil
	}
}

func newReset(t *target) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "reset",
		Short: "Remove a stopped control plane with all that it stores",
		Long: `Remove a stopped control plane: every object, image, container, mount and network
interface of it, whatever state it is in. There is no way back, so it asks for --yes.`,
		Example: `  orrery down && orrery reset --yes`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			existed := inst.Exists()
			switch {
			case inst.Running():
				return fmt.Errorf("instance %s is running (process %d): stop it first with '%s'", inst.Name, inst.PID(), inst.Command("down"))
			case !yes && existed:
				return fmt.Errorf("this removes all of %s%s: say so with '%s'", inst.Dir, andSnapshots(inst), inst.Command("reset --yes"))
			case !yes:
				c.Printf("there is no instance %s in %s\n", inst.Name, t.dataDir)
				return nil
			}
			if err := removeInstance(c.Context(), inst); err != nil {
				return err
			}
			if existed {
				c.Printf("instance %s is gone\n", inst.Name)
			} else {
				c.Printf("there is no instance %s in %s, and nothing is left of one on this machine\n", inst.Name, t.dataDir)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "remove it without asking")
	return c
}

// andSnapshots says that there are snapshots in the directory of an instance, which would go with it.
func andSnapshots(inst *instance.Instance) string {
	list, _ := snapshot.List(snapshotDir(inst), "") // what is no snapshot is no loss
	switch len(list) {
	case 0:
		return ""
	case 1:
		return ", and with it a snapshot"
	default:
		return fmt.Sprintf(", and with it %d snapshots", len(list))
	}
}
