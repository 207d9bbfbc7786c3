package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/internal/cli/objects"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/orrery-dev/orrery/internal/cli/tree"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/spf13/cobra"
)

// treeOptions are what a person can choose about a tree.
type treeOptions struct {
	access    access
	namespace string
	patience  time.Duration
	format    printer.Format
}

func newTree(t *target) *cobra.Command {
	var o treeOptions
	c := &cobra.Command{
		Use:   "tree KIND/NAME",
		Short: "Show an object's owners and dependents, and how each of them is",
		Long: `Show an object among its owners, above it, and its dependents, below it, of any kind,
with how each of them is: Current, InProgress, Failed, Terminating (and by which finalizers
it is held), or NotFound for an owner that is gone.

Dependents are those whose ownerReferences name the object. What could not be looked at
before the time was over is said at the end; the exit code is then 1.`,
		Example: `  orrery tree deployment/web
  orrery tree node/one
  orrery tree pod/web-5d8f-x7k2p -n shop -o wide
  orrery tree deployment/web -o json | jq -r '.. | objects | select(.status == "Failed") | .name'`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			grown, err := o.grow(c.Context(), t, args[0])
			if err != nil {
				return err
			}
			return printTree(c.OutOrStdout(), grown, o.format, time.Now())
		},
	}
	o.access.addReach(c.Flags())
	c.Flags().StringVarP(&o.namespace, "namespace", "n", "default", "`namespace` of the object")
	c.Flags().DurationVar(&o.patience, "timeout", 15*time.Second, "how long all of it may take")
	o.format.AddFlag(c)
	return c
}

func (o *treeOptions) grow(ctx context.Context, t *target, argument string) (*tree.Tree, error) {
	ctx, cancel := context.WithTimeout(ctx, o.patience)
	defer cancel()
	ground, err := o.access.ground(t, o.patience)
	if err != nil {
		return nil, err
	}
	kind, name, err := ground.Named(argument)
	if err != nil {
		return nil, err
	}
	return ground.Grow(ctx, kind, o.namespace, name)
}

// ground is the cluster that the flags name, for a look at objects of all kinds.
func (a *access) ground(t *target, patience time.Duration) (tree.Ground, error) {
	config, err := a.rest(t)
	if err != nil {
		return tree.Ground{}, err
	}
	config.Timeout = patience
	finder, err := objects.New(config, patience)
	if err != nil {
		return tree.Ground{}, err
	}
	own, err := wiring.IsOwn(config)
	return tree.Ground{Finder: finder, Canonical: apis.Kubernetes.GroupKind, SecondNames: own}, err
}

func printTree(out io.Writer, t *tree.Tree, format printer.Format, now time.Time) error {
	err := printer.Print(out, format, t, func() printer.Table { return t.Table(now, printer.Colourer(out)) })
	if err != nil || len(t.Unseen) == 0 {
		return err
	}
	shown := t.Unseen[:min(len(t.Unseen), unseenShown)]
	if more := len(t.Unseen) - len(shown); more > 0 {
		shown = append(shown[:len(shown):len(shown)], fmt.Sprintf("and %d more: -o json has them all", more))
	}
	return fmt.Errorf("not all could be looked at:\n  %w", errors.New(strings.Join(shown, "\n  ")))
}

// unseenShown is how much of what could not be looked at people are told.
const unseenShown = 8
