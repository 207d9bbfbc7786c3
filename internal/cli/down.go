package cli

import (
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
)

func newDown(t *target) *cobra.Command {
	var patience time.Duration
	c := &cobra.Command{
		Use:   "down",
		Short: "Stop the control plane; what it stores stays",
		Long: `Stop the control plane, its containers included. The next 'orrery up' continues with
every object. 'orrery reset' removes them.`,
		Example: `  orrery down
  orrery down --name second`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			if !inst.Running() {
				c.Printf("instance %s is not running\n", inst.Name)
				return nil
			}
			if err := inst.Stop(patience); err != nil {
				return err
			}
			c.Printf("instance %s has stopped; its state is in %s\n", inst.Name, inst.Dir)
			return nil
		},
	}
	c.Flags().DurationVar(&patience, "timeout", time.Minute, "how long to wait for it to stop")
	return c
}

func newReset(t *target) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "reset",
		Short: "Remove a stopped control plane with all that it stores",
		Long: `Remove a stopped control plane: every object, image, container, mount and network
interface of it. There is no way back, so it asks for --yes.`,
		Example: `  orrery down && orrery reset --yes`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			switch {
			case !inst.Exists():
				c.Printf("there is no instance %s in %s\n", inst.Name, t.dataDir)
				return nil
			case inst.Running():
				return fmt.Errorf("instance %s is running: stop it first with 'orrery down --name %s'", inst.Name, inst.Name)
			case !yes:
				return fmt.Errorf("this removes all of %s: say so with --yes", inst.Dir)
			}
			klog.SetLogger(logr.Discard()) // what libraries say while they wait for containerd is not for a person
			if err := removeInstance(c.Context(), inst); err != nil {
				return err
			}
			c.Printf("instance %s is gone\n", inst.Name)
			return nil
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "remove it without asking")
	return c
}
