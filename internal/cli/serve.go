package cli

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/plane"
	"github.com/orrery-dev/orrery/internal/version"
	"github.com/spf13/cobra"
)

// restingGCPercent is how much garbage may gather once all runs, in percent of what is in use.
const restingGCPercent = 50

// assembler makes the components of an instance, and says where the API server is or will be.
type assembler func(context.Context, *instance.Instance) ([]plane.Component, string, error)

// service is an instance that this process runs.
type service struct {
	inst      *instance.Instance
	assemble  assembler
	verbosity int
	flags     map[string]string // as instance.Status has them
}

// runInForeground runs an instance in this process until it is interrupted, and prints a welcome once all runs.
func runInForeground(c *cobra.Command, inst *instance.Instance, assemble assembler, verbosity int, welcome string) error {
	if err := inst.Prepare(); err != nil {
		return err
	}
	s := service{inst, assemble, verbosity, chosen(c.Flags())}
	tell := newTeller(c.OutOrStdout())
	err := s.serve(c.Context(), tell, func() {
		giveBack()
		if tell.ready(); tell.toPerson {
			c.Print(welcome)
		}
	})
	if err != nil {
		tell.failed(err)
	}
	return err
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
	status := func() instance.Status {
		return instance.Status{
			Name: inst.Name, Version: version.Get().Version, PID: os.Getpid(), Since: since,
			Server: server, Flags: s.flags, Components: p.Status(),
		}
	}
	go func() {
		if err := inst.Serve(telling, status, inspected.handlers()); err != nil {
			logger().Error(err, "The status is not told")
		}
	}()
	return traced(ctx, func() error { return p.Run(ctx, ready) })
}

// giveBack returns to the machine what only the start needed, and makes the collector keep less in reserve: most of the time
// a control plane of one machine has little to do. GOGC, where it is set, has the last word.
func giveBack() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(restingGCPercent)
	}
	debug.FreeOSMemory()
}
