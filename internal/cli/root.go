package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/spf13/cobra"
)

// Main runs the orrery command with the arguments of the process, and returns its exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(arguments(os.Args))
	if err := root.ExecuteContext(ctx); err != nil {
		if exit := (exitError{}); errors.As(err, &exit) {
			return max(exit.ExitCode(), 1)
		}
		fmt.Fprintln(os.Stderr, "orrery:", err)
		return 1
	}
	return 0
}

// target is the instance that a command is about.
type target struct {
	dataDir, name string
}

// instance is the one that the flags name, which this user may look into if it exists.
func (t *target) instance() (*instance.Instance, error) {
	inst, err := instance.Open(t.dataDir, t.name)
	if err != nil {
		return nil, err
	}
	return inst, inst.Accessible()
}

// command is what to type for a command about the instance. t may be nil, for a command that knows none.
func (t *target) command(words string) string {
	if t != nil {
		if inst, err := t.instance(); err == nil {
			return inst.Command(words)
		}
	}
	return "orrery " + words
}

func newRoot() *cobra.Command {
	var t target
	root := &cobra.Command{
		Use:   "orrery",
		Short: "A Kubernetes control plane in which every behaviour is an ordinary control loop",
		Long: `Orrery is a Kubernetes control plane in one binary: etcd, the API server, the
controllers, the scheduler and the node agent.

  orrery up                    start a control plane on this machine
  orrery kubectl get pods -A   use it
  orrery status                see how its parts are
  orrery down                  stop it; what it stores stays

On a cluster that somebody else runs, 'orrery manager', 'orrery scheduler' and
'orrery node' are the same parts over custom resources.`,
		SilenceUsage:     true,
		SilenceErrors:    true,
		TraverseChildren: true,
		Version:          versionText(),
		PersistentPreRun: silence,
	}
	root.SetVersionTemplate("{{.Version}}")
	root.Flags().Bool("version", false, "show the version") // before cobra adds one that a library has registered for itself
	root.SetOut(os.Stdout)
	flags := root.PersistentFlags()
	flags.StringVar(&t.dataDir, "data-dir", fromEnv("ORRERY_DATA_DIR", instance.DefaultDataDir()), "`directory` with all instances of this machine (ORRERY_DATA_DIR)")
	flags.StringVar(&t.name, "name", fromEnv("ORRERY_NAME", instance.DefaultName), "`name` of the instance, to run several side by side (ORRERY_NAME)")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w: see '%s --help'", err, c.CommandPath())
	})

	root.AddGroup(
		&cobra.Group{ID: "instance", Title: "A control plane on this machine:"},
		&cobra.Group{ID: "parts", Title: "Its parts, on any cluster:"},
		&cobra.Group{ID: "scaffold", Title: "Kinds and loops of your own:"},
		&cobra.Group{ID: "upstream", Title: "Upstream's programs:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("instance", newUp(&t), newDown(&t), newStatus(&t), newLogs(&t), newReset(&t), newPlan(&t), newExplain(&t), newSimulate(&t), newImage(&t), newDoctor(&t), newTree(&t), newEvents(&t), newList(&t), newLoops(&t), newDNS(&t))
	add("parts", newManager(), newScheduler(), newNode(&t), newAPIServer(&t), newEnvtest())
	add("instance", newKubeconfig(&t), newToken(&t), newSecrets(&t), newCerts(&t), newMembers(&t), newSnapshot(&t), newUpgrade(&t), newService(&t))
	add("upstream", upstreamCommands(&t)...)
	root.AddCommand(newVersion())
	add("scaffold", scaffolding()...)
	t.addCompletion(root)
	refuseUnknown(root)
	return root
}

// refuseUnknown lets every command that only has others below it refuse a word which is none of them. Without a word it shows
// its help.
func refuseUnknown(c *cobra.Command) {
	for _, child := range c.Commands() {
		refuseUnknown(child)
	}
	if c.Runnable() || !c.HasSubCommands() {
		return
	}
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		return unknownCommand(c, args[0])
	}
}

// unknownCommand says which commands a person may have meant.
func unknownCommand(parent *cobra.Command, name string) error {
	parent.SuggestionsMinimumDistance = 2
	near := parent.SuggestionsFor(name)
	for i := range near {
		near[i] = strings.TrimPrefix(parent.CommandPath()+" "+near[i], "orrery ")
	}
	if len(near) > 0 {
		return fmt.Errorf("unknown command %q: did you mean %s?", name, strings.Join(near, " or "))
	}
	return fmt.Errorf("unknown command %q: see '%s --help'", name, parent.CommandPath())
}

func fromEnv(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
