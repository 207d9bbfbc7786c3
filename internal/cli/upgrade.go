package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/orrery-dev/orrery/internal/cli/upgrade"
	"github.com/spf13/cobra"
)

// upgradeOptions are what a person can choose about how a program is replaced.
type upgradeOptions struct {
	plan, wait, drain, snapshot bool
	drainPatience, patience     time.Duration
	format                      printer.Format
}

func newUpgrade(t *target) *cobra.Command {
	var o upgradeOptions
	c := &cobra.Command{
		Use:   "upgrade",
		Short: "Have the instance on this machine run this program, in its turn among all machines",
		Long: `Have the instance that runs on this machine go on with this program, of whatever version that
is: put the new program on the machine, with what lies beside it, and type its upgrade.

It looks at all members of the control plane and all nodes, and decides in which order they
are replaced: members that do not lead, the member that leads, then the nodes; going back a
minor release, the nodes first. It acts on this machine alone, and only in its turn; with
--wait it waits for that, so that it can be typed on every machine at once. What would leave
less than a quorum, skip a minor release or have a kubelet newer than an API server is
refused, with the reason. --plan shows all of it and does nothing.

What it does: takes a snapshot (on members), has the process end all that it runs but
containers, hand over what it leads, and execute this program in its own place, with the
flags and the environment that it has; then it waits until all parts run and the member has
caught up. Containers go on meanwhile, unless --drain has the pods of this machine moved
elsewhere before, as disruption budgets allow it. Simulated pods start anew.

What starts the instance the next time, as a service manager at boot, is yours: have it
start this program.`,
		Example: `  ./orrery upgrade --plan
  ./orrery upgrade
  ./orrery upgrade --wait --drain
  ./orrery upgrade --plan -o json | jq -r '.steps[] | select(.state == "next") | .machine'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !o.plan && o.format != printer.Tabular {
				return errors.New("-o goes with --plan: there is nothing else to print for programs")
			}
			inst, err := runningInstance(t)
			if err != nil {
				return err
			}
			if o.plan {
				return o.showPlan(c, inst)
			}
			return o.run(c, inst)
		},
	}
	flags := c.Flags()
	flags.BoolVar(&o.plan, "plan", false, "show what would happen on which machine, in which order and why, and do nothing")
	flags.BoolVar(&o.wait, "wait", false, "wait until it is this machine's turn, rather than refuse where it is not")
	flags.BoolVar(&o.drain, "drain", false, "evict the pods of the nodes that this machine runs before, and let the nodes take pods again after")
	flags.DurationVar(&o.drainPatience, "drain-timeout", 5*time.Minute, "how long to wait for those pods to be gone, before giving up with nothing replaced; with --drain")
	flags.BoolVar(&o.snapshot, "snapshot", true, "take a snapshot before, on a member")
	flags.DurationVar(&o.patience, "timeout", 5*time.Minute, "how long to wait until the new program has come up, before giving up waiting")
	o.format.AddFlag(c)
	return c
}

// showPlan prints the plan. That it cannot be carried out here, or not yet, is no error: it is what was asked for.
func (o *upgradeOptions) showPlan(c *cobra.Command, inst *instance.Instance) error {
	machine, err := lookAround(c.Context(), inst)
	if err != nil {
		return err
	}
	plan := upgrade.Make(machine.world)
	if err := printer.Print(c.OutOrStdout(), o.format, plan, func() printer.Table { return upgradeTable(plan) }); err != nil || o.format.ForPrograms() {
		return err
	}
	for _, why := range plan.Refused {
		c.PrintErrln("orrery: refused here: " + why)
	}
	switch {
	case plan.Done:
		c.PrintErrf("orrery: this machine runs %s: there is nothing to do here\n", plan.Target)
	case plan.Waits != "" && len(plan.Refused) == 0:
		c.PrintErrln("orrery: not this machine's turn yet: " + plan.Waits)
	}
	return nil
}

func upgradeTable(p upgrade.Plan) printer.Table {
	table := printer.Table{Columns: []printer.Column{
		{Name: "ORDER"}, {Name: "MACHINE"}, {Name: "ROLE"}, {Name: "RUNS"}, {Name: "STATE"}, {Name: "TYPE THERE"}, {Name: "WHY", Yields: true},
	}}
	for i, s := range p.Steps {
		machine := s.Machine
		if s.Here {
			machine += " (here)"
		}
		table.Rows = append(table.Rows, []string{strconv.Itoa(i + 1), machine, string(s.Role), s.From.String(), string(s.State), orDash(s.Command), s.Why})
	}
	return table
}

// run replaces the program of the instance, in its turn.
func (o *upgradeOptions) run(c *cobra.Command, inst *instance.Instance) error {
	machine, plan, err := o.awaitTurn(c, inst)
	if err != nil {
		return err
	}
	if plan.Done {
		c.Printf("instance %s runs %s already: there is nothing to do here\n", inst.Name, plan.Target)
		c.Print(whatRemains(plan))
		return nil
	}
	if err := o.replace(c, machine); err != nil {
		return err
	}
	c.Printf("instance %s runs %s now, and not %s\n", inst.Name, plan.Target, machine.status.Version)
	c.Print(whatRemains(plan))
	return nil
}

// turnPause is how often it is looked whether it is this machine's turn.
const turnPause = 2 * time.Second

// awaitTurn is the plan by which it is this machine's turn, or there is nothing to do here.
func (o *upgradeOptions) awaitTurn(c *cobra.Command, inst *instance.Instance) (*upgraded, upgrade.Plan, error) {
	said := ""
	for {
		machine, err := lookAround(c.Context(), inst)
		if err != nil && !o.wait {
			return nil, upgrade.Plan{}, err
		}
		var plan upgrade.Plan
		waits := ""
		if err != nil { // as while another member hands over
			waits = err.Error()
		} else {
			plan = upgrade.Make(machine.world)
			waits = plan.Waits
		}
		switch {
		case len(plan.Refused) > 0:
			return nil, plan, fmt.Errorf("%s cannot take the place of %s here: %s", plan.Target, machine.status.Version, strings.Join(plan.Refused, "; and "))
		case waits == "":
			return machine, plan, nil
		case !o.wait:
			return nil, plan, fmt.Errorf("it is not this machine's turn: %s; or have this wait for its turn with --wait", waits)
		case waits != said:
			c.PrintErrln("orrery: waiting: " + waits)
			said = waits
		}
		select {
		case <-time.After(turnPause):
		case <-c.Context().Done():
			return nil, plan, fmt.Errorf("waiting for this machine's turn, with nothing done: %w", context.Cause(c.Context()))
		}
	}
}

// replace has the instance go on with this program.
func (o *upgradeOptions) replace(c *cobra.Command, m *upgraded) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	if o.snapshot && m.has(snapshotsComponent) {
		taken, err := saveSnapshot(c.Context(), m.inst, snapshotDir(m.inst), true)
		if err != nil {
			return fmt.Errorf("taking a snapshot before anything is replaced: %w: leave it out with --snapshot=false", err)
		}
		c.Printf("a snapshot is in %s\n", taken.Path)
	}
	undrain := func() error { return nil }
	if o.drain {
		if undrain, err = o.drainNodes(c, m); err != nil {
			return err
		}
	}
	said := sizeOf(m.inst.Log())
	if err := m.inst.Reexec(c.Context(), program); err != nil {
		return errors.Join(err, undrain())
	}
	ctx, cancel := context.WithTimeout(c.Context(), o.patience)
	defer cancel()
	if err := m.awaitReplaced(ctx, said); err != nil {
		return err
	}
	return undrain()
}

// whatRemains says what is to be done on other machines.
func whatRemains(p upgrade.Plan) string {
	remaining := p.Remaining()
	if len(remaining) == 0 {
		return ""
	}
	said := "Next, with the new program there:\n"
	for _, s := range remaining {
		said += fmt.Sprintf("  %s %s, which runs %s: %s\n", s.Role, s.Machine, s.From, s.Command)
	}
	return said
}
