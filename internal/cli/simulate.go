package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/orrery-dev/orrery/internal/cli/report"
	"github.com/orrery-dev/orrery/scheduler/simulate"
	"github.com/spf13/cobra"
)

// scenario is what a simulation is about.
type scenario struct {
	foresight
	files, addNodes, removeNodes []string
	empty                        bool
}

func newSimulate(t *target) *cobra.Command {
	var s scenario
	c := &cobra.Command{
		Use:   "simulate -f FILE",
		Short: "Say where pods would go, and write nothing",
		Long: `Say where the pods of a file would go, one after the other, those that would not and
why, and which pods would be preempted for them. The real scheduler decides, with its
configuration, on a copy of the cluster in memory that cannot be written back. Pods
of Deployments, ReplicaSets, StatefulSets and Jobs in the file are made as their
controllers would; other objects in it, such as nodes, claims and PriorityClasses,
are there for the simulation.

A node to add is described as cpu=8,memory=32Gi and also count, name, pods, labels and
taints (lists with semicolons) and extended resources. From a node that is removed,
the pods that a controller would create again are placed anew.`,
		Example: `  orrery simulate -f web.yaml
  orrery simulate -f web.yaml --add-node cpu=8,memory=32Gi,count=3,labels=disk=ssd
  orrery simulate --remove-node node-3
  orrery simulate -f web.yaml --empty --add-node cpu=4,memory=16Gi -o json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return s.run(c.Context(), t, c.InOrStdin(), c.OutOrStdout()) },
	}
	flags := c.Flags()
	flags.StringArrayVarP(&s.files, "filename", "f", nil, "`file` with pods and workloads, in YAML or JSON; - for the standard input; can be repeated")
	flags.StringArrayVar(&s.addNodes, "add-node", nil, "`node` to add, as in cpu=8,memory=32Gi,count=3; can be repeated")
	flags.StringArrayVar(&s.removeNodes, "remove-node", nil, "`name` of a node to take away; can be repeated")
	flags.BoolVar(&s.empty, "empty", false, "start from an empty cluster and not from a copy: no server is needed")
	s.addFlags(c)
	return c
}

func (s *scenario) run(ctx context.Context, t *target, in io.Reader, out io.Writer) error {
	if len(s.files) == 0 && len(s.removeNodes) == 0 {
		return errors.New("nothing to simulate: name a file with pods with -f, or a node to take away with --remove-node")
	}
	if s.empty && len(s.removeNodes) > 0 {
		return errors.New("--remove-node: an empty cluster (--empty) has no nodes to take away")
	}
	world, err := s.world(t, s.empty)
	if err != nil {
		return err
	}
	if err := s.changeNodes(ctx, world); err != nil {
		return err
	}
	pods, err := s.load(ctx, world, in)
	if err != nil {
		return err
	}
	outcome, err := world.Run(ctx, pods)
	if err != nil {
		return fmt.Errorf("%w%s", err, s.hint(err))
	}
	return printer.Prose(out, s.output, outcome, func(out io.Writer) error { return report.Simulation(out, outcome) })
}

func (s *scenario) changeNodes(ctx context.Context, world *simulate.Simulation) error {
	for _, text := range s.addNodes {
		nodes, err := simulate.ParseNodes(text)
		if err != nil {
			return fmt.Errorf("--add-node: %w", err)
		}
		if err := world.AddNodes(ctx, nodes...); err != nil {
			return fmt.Errorf("--add-node %s: %w", text, err)
		}
	}
	return nil
}

// load returns the pods that lose their node, and then those of the files.
func (s *scenario) load(ctx context.Context, world *simulate.Simulation, in io.Reader) ([]simulate.Pod, error) {
	var pods []simulate.Pod
	for _, name := range s.removeNodes {
		moved, err := world.RemoveNode(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("--remove-node: %w", err)
		}
		for _, pod := range moved {
			pods = append(pods, simulate.Pod{Pod: pod, From: name})
		}
	}
	for _, name := range s.files {
		loaded, err := loadFile(ctx, world, in, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		pods = append(pods, loaded...)
	}
	return pods, nil
}

func loadFile(ctx context.Context, world *simulate.Simulation, in io.Reader, name string) ([]simulate.Pod, error) {
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	return world.Load(ctx, in)
}
