package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/plane"
	"github.com/orrery-dev/orrery/internal/memory"
	"github.com/spf13/cobra"
)

// assembler makes the components of an instance, and says where the API server is or will be.
type assembler func(context.Context, *instance.Instance) ([]plane.Component, string, error)

// service is an instance that this process runs.
type service struct {
	inst      *instance.Instance
	assemble  assembler
	verbosity int
	flags     map[string]string // as instance.Status has them
	args      []string          // likewise
}

// runInForeground runs an instance in this process until it is interrupted, and prints a welcome once all runs. Where another program is to
// take the place of this one, that is executed then.
func runInForeground(c *cobra.Command, inst *instance.Instance, assemble assembler, verbosity int, welcome string) error {
	if err := inst.Prepare(); err != nil {
		return err
	}
	args, err := startArgs(c, inst)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(c.Context())
	defer end()
	reexecuting.begin(end)
	s := service{inst, assemble, verbosity, chosen(c.Flags()), tellable(args)}
	tell := newTeller(c.OutOrStdout())
	err = s.serve(ctx, tell, func() {
		go memory.Follow(ctx)
		if tell.ready(); tell.toPerson {
			c.Print(welcome)
		}
	})
	if err != nil {
		tell.failed(err)
		return err
	}
	if c.Context().Err() != nil {
		return nil // somebody has it end, whatever was to come after it
	}
	return reexecuting.execute(args)
}

// serve runs the components of the instance, and calls ready when all of them run.
func (s service) serve(ctx context.Context, tell *teller, ready func()) error {
	inst := s.inst
	lock, err := inst.Acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Release() }() // the process's end releases it as well
	setUpLogging(s.verbosity)

	components, server, err := s.assemble(ctx, inst)
	if err != nil {
		return err
	}
	p, err := plane.New(components, tell.component)
	if err != nil {
		return err
	}
	telling, stopTelling := context.WithCancel(context.WithoutCancel(ctx))
	defer stopTelling()
	since := time.Now()
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	own := ownProgram()
	status := func() instance.Status {
		return instance.Status{
			Name: inst.Name, Version: own.Version, Kubernetes: own.Kubernetes, Etcd: own.Etcd, Kubelet: own.Kubelet, PID: os.Getpid(), Since: since,
			Server: server, Program: program, Args: s.args, Flags: s.flags, Components: p.Status(),
		}
	}
	go func() {
		if err := inst.Serve(telling, status, inspected.handlers()); err != nil {
			logger().Error(err, "The status is not told")
		}
	}()
	return traced(ctx, func() error { return p.Run(ctx, ready) })
}
