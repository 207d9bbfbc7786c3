package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/systemd"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newService(t *target) *cobra.Command {
	c := &cobra.Command{
		Use:   "service",
		Short: "Make the control plane a service that systemd starts at boot",
		Example: `  orrery service install --bind-address 0.0.0.0 --audit
  orrery service status`,
	}
	c.AddCommand(newServiceInstall(t), newServiceUninstall(t), newServiceStatus(t))
	return c
}

func newServiceInstall(t *target) *cobra.Command {
	var (
		o      upOptions
		dryRun bool
	)
	c := &cobra.Command{
		Use:   "install [flags of up]",
		Short: "Write a systemd unit for 'orrery up' with these flags, and start it",
		Long: `Write a systemd unit that runs 'orrery up' with the flags given here, have it started at
each boot, start it now, and return when it is ready. Installed again, with other
flags, it is started anew. Its log is in the journal.`,
		Example: `  orrery service install
  orrery service install --bind-address 0.0.0.0 --tls-san cp.example.com
  orrery service install --name second --runtime simulated --dry-run`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.complete(c.Flags().Changed("nodes")); err != nil {
				return err
			}
			inst, err := t.instance()
			if err != nil {
				return err
			}
			unit, err := unitOf(inst, o, c.Flags())
			if err != nil {
				return err
			}
			if dryRun {
				c.Print(unit)
				return nil
			}
			return installService(c, inst, unit)
		},
	}
	o.addFlags(c.Flags())
	c.Flags().BoolVar(&dryRun, "dry-run", false, "print the unit, and do nothing")
	return c
}

func installService(c *cobra.Command, inst *instance.Instance, unit systemd.Unit) error {
	machine := systemd.Machine()
	state, err := machine.State(c.Context(), unit)
	switch {
	case errors.Is(err, systemd.ErrNotInit):
		return fmt.Errorf("%w: 'orrery service install --dry-run' prints the unit, and 'orrery up --foreground' is what another service manager would run", err)
	case err != nil:
		return err
	case os.Geteuid() != 0:
		return errors.New("installing a service is for root: run as root")
	case inst.Running() && state.Active != "active" && state.Active != "activating":
		return fmt.Errorf("instance %s is running, and not by this service: stop it first with 'orrery down --name %s'", inst.Name, inst.Name)
	}
	// A unit that is shut in can only be started where its folder is.
	if err := inst.Prepare(); err != nil {
		return err
	}
	if err := machine.Install(c.Context(), unit); err != nil {
		return fmt.Errorf("%w: 'journalctl -u %s' says more", err, unit.Name)
	}
	c.Printf("service %s is ready, and starts at each boot (%s)\n", unit.Name, machine.Path(unit))
	return nil
}

func newServiceUninstall(t *target) *cobra.Command {
	return &cobra.Command{
		Use:     "uninstall",
		Short:   "Stop the service and remove it; what it stores stays",
		Example: `  orrery service uninstall`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			unit := systemd.Unit{Name: serviceName(inst)}
			found, err := systemd.Machine().Uninstall(c.Context(), unit)
			switch {
			case err != nil:
				return err
			case !found:
				c.Printf("there is no service %s\n", unit.Name)
			default:
				c.Printf("service %s is gone; its state is in %s\n", unit.Name, inst.Dir)
			}
			return nil
		},
	}
}

func newServiceStatus(t *target) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show how systemd sees the service",
		Long: `Show how systemd sees the service. The exit code is 1 unless it runs. How the parts of the
control plane are, 'orrery status' shows.`,
		Example: `  orrery service status`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			unit := systemd.Unit{Name: serviceName(inst)}
			state, err := systemd.Machine().State(c.Context(), unit)
			switch {
			case err != nil:
				return err
			case state.Load == "not-found":
				return fmt.Errorf("there is no service %s: 'orrery service install' makes it", unit.Name)
			}
			c.Printf("%s: %s (%s) since %s, %s at boot\n", unit.Name, state.Active, state.Sub, state.Since, state.Enabled)
			if state.Active != "active" {
				return fmt.Errorf("service %s does not run: 'journalctl -u %s' says why", unit.Name, unit.Name)
			}
			return nil
		},
	}
}

// serviceName is what an instance's service is called.
func serviceName(inst *instance.Instance) string {
	if inst.ID() == instance.DefaultName {
		return instance.DefaultName
	}
	return instance.DefaultName + "-" + inst.ID()
}

// unitOf is the unit that runs an instance with those flags of up that were given.
func unitOf(inst *instance.Instance, o upOptions, given *pflag.FlagSet) (systemd.Unit, error) {
	self, err := os.Executable()
	if err != nil {
		return systemd.Unit{}, fmt.Errorf("finding this program: %w", err)
	}
	flags, err := spelledOut(given)
	if err != nil {
		return systemd.Unit{}, err
	}
	return systemd.Unit{
		Name:        serviceName(inst),
		Description: "Orrery control plane (" + inst.Name + ")",
		Program:     self,
		Args:        append([]string{"--data-dir=" + filepath.Dir(inst.Dir), "--name=" + inst.Name, "up", "--foreground"}, flags...),
		DataDir:     filepath.Dir(inst.Dir),
		Containers:  o.runtime != simulatedRuntime,
		LowPort:     o.port > 0 && o.port < 1024,
	}, nil
}

// spelledOut are the flags of up that were given, so that they mean the same from any folder.
func spelledOut(given *pflag.FlagSet) ([]string, error) {
	up := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(upOptions).addFlags(up)
	return spelled(given, func(flag *pflag.Flag) bool { return up.Lookup(flag.Name) != nil })
}

// spelled are those flags that were given and are wanted, as arguments that mean the same from any folder.
func spelled(given *pflag.FlagSet, wanted func(*pflag.Flag) bool) (args []string, err error) {
	given.Visit(func(flag *pflag.Flag) {
		if !wanted(flag) || err != nil {
			return
		}
		for _, value := range valuesOf(flag.Value) {
			if isPath(flag) && value != "" && !strings.Contains(value, "://") {
				if value, err = filepath.Abs(value); err != nil {
					return
				}
			}
			args = append(args, "--"+flag.Name+"="+value)
		}
	})
	return args, err
}

// valuesOf are what to set a flag to, one after the other, for it to have the value that it has.
func valuesOf(value pflag.Value) []string {
	switch list, ok := value.(pflag.SliceValue); {
	case ok:
		return list.GetSlice()
	case value.Type() == "stringToString": // which is written in brackets, and not read so
		return []string{strings.Trim(value.String(), "[]")}
	default:
		return []string{value.String()}
	}
}
