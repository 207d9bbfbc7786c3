package containerd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// politeReset is how long containerd itself is given to remove its pods, on top of what its containers are, before it is done
// without.
const politeReset = 30 * time.Second

// Halt ends what a control plane that was killed has left running on this host: containers, which may take grace to end, and the
// containerd itself. It looks at the machine, not at records, and works also where the directory or the programs are missing or
// the disk is full: then by force. What is stored stays. It refuses while Run runs.
func (r *Runtime) Halt(ctx context.Context, grace time.Duration) error {
	lock, err := r.takeOver()
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // which lets go of the lock, if there is one
	return r.halt(ctx, grace)
}

// Reset removes every container and everything that the runtime has on this host: processes, mounts, network namespaces,
// sockets, cgroups and, last, its directories with all images. As Halt, it works in any state and refuses while Run runs. The
// pods' network is released as it was made, by CNI, so it has to be there still: reset the runtime before the network.
func (r *Runtime) Reset(ctx context.Context) error {
	lock, err := r.takeOver()
	if err != nil {
		return fmt.Errorf("resetting the container runtime: %w", err)
	}
	defer func() { _ = lock.Close() }() // which lets go of the lock, if there is one
	if err := r.halt(ctx, 0); err != nil {
		return fmt.Errorf("resetting the container runtime: %w", err)
	}
	for _, dir := range append([]string{r.options.Dir}, r.options.SharedDirs...) {
		if err := Unmount(dir); err != nil {
			return fmt.Errorf("resetting the container runtime: %w", err)
		}
	}
	return errors.Join(os.RemoveAll(r.run), os.RemoveAll(r.options.Dir))
}

// takeOver takes the directory from whoever had it; the lock is nil where there is no directory, or none that can be written.
func (r *Runtime) takeOver() (*os.File, error) {
	lock, err := r.lock()
	if errors.Is(err, errInUse) {
		return nil, err
	}
	return lock, nil // if there is none, nobody can run a containerd in it either
}

// halt ends everything: politely, if there are pods and what is needed for it, and what is left by force.
func (r *Runtime) halt(ctx context.Context, grace time.Duration) error {
	if r.hasState() {
		if err := r.removePolitely(ctx, grace); err != nil {
			r.log.Error(err, "the container runtime could not remove all its pods; removing them by force")
		}
	}
	return r.removeByForce(ctx)
}

// hasState says whether there may be pods that a containerd would know: those of this boot.
func (r *Runtime) hasState() bool {
	for _, dir := range []string{r.options.Dir, filepath.Join(r.run, "state")} {
		if _, err := os.Stat(dir); err != nil {
			return false
		}
	}
	return true
}

// removePolitely runs a containerd for as long as it takes to remove all pods.
func (r *Runtime) removePolitely(ctx context.Context, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, grace+politeReset)
	defer cancel()
	if err := errors.Join(r.complete(), r.ready(ctx)); err != nil {
		return err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- r.supervise(ctx) }()
	err := r.WaitReady(ctx)
	if err == nil {
		err = r.RemovePods(ctx, grace)
	}
	cancel()
	return errors.Join(err, <-stopped)
}

// removeByForce ends what still runs. It needs no containerd and leaves none.
func (r *Runtime) removeByForce(ctx context.Context) error {
	left, err := r.containerds()
	if err != nil {
		return err
	}
	if err := end(ctx, left, unix.SIGKILL); err != nil {
		return err
	}
	if err := r.killContainers(ctx); err != nil {
		return err
	}
	if r.options.CgroupRoot != "" {
		if err := removeCgroups(ctx, r.options.CgroupRoot); err != nil {
			return err
		}
	}
	return Unmount(r.run)
}

// Left lists the processes that a control plane which was killed has left on this host: containerd, the shims, and those in
// containers.
func (r *Runtime) Left() ([]int, error) {
	left, err := r.containerds()
	if err != nil {
		return nil, err
	}
	shims, err := r.shims()
	if err != nil {
		return nil, err
	}
	contained, err := children(shims)
	if err != nil {
		return nil, err
	}
	left = append(append(left, shims...), contained...)
	if r.options.CgroupRoot != "" {
		hierarchies, err := cgroups(r.options.CgroupRoot)
		if err != nil {
			return nil, err
		}
		for _, dir := range hierarchies {
			left = append(left, processesBelow(dir)...)
		}
	}
	slices.Sort(left)
	return slices.Compact(left), nil
}
