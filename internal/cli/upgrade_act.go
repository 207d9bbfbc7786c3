package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/drain"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/upgrade"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ownNodes are the names of the nodes on this machine that run containers for the instance.
func (m *upgraded) ownNodes() ([]string, error) {
	if m.node != "" {
		return []string{m.node}, nil
	}
	if !m.has(nodeComponent) {
		return nil, nil
	}
	first := (&machine{inst: m.inst}).nodeName()
	names := []string{first}
	more, err := strconv.Atoi(m.status.Flags["real-nodes"])
	if err != nil {
		return names, nil //nolint:nilerr // it has this one alone
	}
	for n := 2; n <= more; n++ {
		name, err := nodeNameOf(furtherNode(m.inst, n), first, n)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// drainNodes has the pods of this machine's nodes go elsewhere. What it returns lets those nodes take pods again that did before.
func (o *upgradeOptions) drainNodes(c *cobra.Command, m *upgraded) (undrain func() error, err error) {
	names, err := m.ownNodes()
	if err != nil {
		return nil, err
	}
	var cordoned []string
	undrain = func() error {
		var errs []error
		for _, name := range cordoned {
			errs = append(errs, drain.Uncordon(c.Context(), m.api, name))
		}
		return errors.Join(errs...)
	}
	ctx, cancel := context.WithTimeout(c.Context(), o.drainPatience)
	defer cancel()
	for _, name := range names {
		node, err := m.api.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("reading node %s: %w", name, err), undrain())
		}
		if !node.Spec.Unschedulable {
			cordoned = append(cordoned, name)
		}
		if err := drain.Node(ctx, m.api, name, func(said string) { c.Println(said) }); err != nil {
			return nil, errors.Join(fmt.Errorf("%w; nothing was replaced", err), undrain())
		}
	}
	return undrain, nil
}

// replacedPause is how often it is looked whether the new program has come up.
const replacedPause = 200 * time.Millisecond

// awaitReplaced waits until the process of the instance runs this program, all parts of it run, and a member has caught up. Said is how
// long the log was before.
func (m *upgraded) awaitReplaced(ctx context.Context, said int64) error {
	last := "it has not begun"
	for {
		status, err := m.inst.Status(ctx)
		switch {
		case err == nil && !status.Since.After(m.status.Since):
			last = m.status.Version + " is still ending"
		case err == nil:
			if last = m.lacks(ctx, status); last == "" {
				return nil
			}
		case m.status.Ended():
			return fmt.Errorf("%s did not come up, and nothing runs: %w\n%s", m.world.Target, autopsy(m.inst, said), m.wayBack())
		}
		select {
		case <-time.After(replacedPause):
		case <-ctx.Done():
			return fmt.Errorf("%s has not come up in time: %s: see '%s', and wait on with '%s'\n%s",
				m.world.Target, last, m.inst.Command("status"), m.inst.Command("up"), m.wayBack())
		}
	}
}

// lacks is what the new process has not come to yet; empty if it is as it should be.
func (m *upgraded) lacks(ctx context.Context, status instance.Status) string {
	if status.Version != m.world.Target.Version {
		return "it runs " + status.Version
	}
	for _, c := range status.Components {
		if c.State != instance.Running {
			return fmt.Sprintf("%s is %s (last error: %s)", c.Name, c.State, orDash(c.LastError))
		}
	}
	if !m.has(membersComponent) {
		return ""
	}
	var told toldMembers
	if err := m.inst.Members(ctx, &told); err != nil {
		return err.Error()
	}
	i := slices.IndexFunc(told.Members, func(l listedMember) bool { return l.Self })
	switch {
	case i < 0:
		return "it is no member any more"
	case !told.Members[i].Healthy:
		return "its etcd does not answer: " + told.Members[i].Problem
	case told.Members[i].Behind > upgrade.CaughtUp:
		return fmt.Sprintf("it lacks %d changes of the other members", told.Members[i].Behind)
	default:
		return ""
	}
}

// wayBack says how to go on with the program that ran before.
func (m *upgraded) wayBack() string {
	args := slices.DeleteFunc(slices.Clone(m.status.Args), func(arg string) bool { return arg == "--foreground" })
	line := instance.Line(append([]string{m.status.Program}, args...)...)
	if own, err := os.Executable(); err != nil || own == m.status.Program {
		return fmt.Sprintf("to go back, put %s in its place at %s again, and type: %s", m.status.Version, m.status.Program, line)
	}
	return "to go back: " + line
}
