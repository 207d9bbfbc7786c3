package containerd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// politeReset is how long Reset tries to have containerd itself remove its pods, before it does without.
const politeReset = 30 * time.Second

// Reset removes every container and everything that the runtime has on this host: processes, mounts, network namespaces,
// sockets, cgroups and, last, its directories with all images. The control plane has to be stopped; Reset refuses while Run runs.
// The pods' network is released as it was made, by CNI, so it has to be there still: reset the runtime before the network.
func (r *Runtime) Reset(ctx context.Context) error {
	if _, err := os.Stat(r.options.Dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	lock, err := r.prepare(ctx)
	if err != nil {
		return fmt.Errorf("resetting the container runtime: %w", err)
	}
	defer func() { _ = lock.Close() }() // which lets go of the lock

	if err := r.removePolitely(ctx); err != nil {
		r.log.Error(err, "the container runtime could not remove all its pods; removing them by force")
	}
	if err := r.removeByForce(ctx); err != nil {
		return fmt.Errorf("resetting the container runtime: %w", err)
	}
	return nil
}

// removePolitely runs a containerd for as long as it takes to remove all pods.
func (r *Runtime) removePolitely(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, politeReset)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- r.supervise(ctx) }()
	err := r.WaitReady(ctx)
	if err == nil {
		err = r.removePods(ctx)
	}
	cancel()
	return errors.Join(err, <-stopped)
}

// removeByForce needs no containerd.
func (r *Runtime) removeByForce(ctx context.Context) error {
	if err := r.killContainers(ctx); err != nil {
		return err
	}
	if r.options.CgroupRoot != "" {
		if err := removeCgroups(ctx, r.options.CgroupRoot); err != nil {
			return err
		}
	}
	for _, dir := range append([]string{r.run, r.options.Dir}, r.options.SharedDirs...) {
		if err := unmountAll(dir); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(r.run), os.RemoveAll(r.options.Dir))
}

// removeCgroups kills what is in a cgroup and below, and removes it, in every hierarchy.
func removeCgroups(ctx context.Context, root string) error {
	hierarchies, err := filepath.Glob(filepath.Join("/sys/fs/cgroup", "*", root))
	if err != nil {
		return err
	}
	unified := filepath.Join("/sys/fs/cgroup", root)
	if _, err := os.Stat(unified); err == nil {
		hierarchies = append(hierarchies, unified)
	}
	for _, dir := range hierarchies {
		if err := removeCgroup(ctx, dir); err != nil {
			return fmt.Errorf("removing cgroup %s: %w", dir, err)
		}
	}
	return nil
}

// removeCgroup removes from the leaves up: a cgroup with children or processes stays.
func removeCgroup(ctx context.Context, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeCgroup(ctx, filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return err
	}
	var pids []int
	for _, field := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	if err := end(ctx, pids, unix.SIGKILL); err != nil {
		return err
	}
	return removeEmptied(ctx, dir)
}

// removeEmptied removes a cgroup whose processes have ended: the kernel may need a moment to notice.
func removeEmptied(ctx context.Context, dir string) error {
	for {
		err := os.Remove(dir)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
