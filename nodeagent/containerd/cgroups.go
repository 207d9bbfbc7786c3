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

// processesBelow lists the processes in a cgroup and those below it, as far as they can be read: cgroups come and go.
func processesBelow(dir string) []int {
	pids, _ := processesIn(dir)
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if entry.IsDir() {
			pids = append(pids, processesBelow(filepath.Join(dir, entry.Name()))...)
		}
	}
	return pids
}

// removeCgroups kills what is in a cgroup and below, and removes it, in every hierarchy.
func removeCgroups(ctx context.Context, root string) error {
	hierarchies, err := cgroups(root)
	if err != nil {
		return err
	}
	for _, dir := range hierarchies {
		if err := removeCgroup(ctx, dir); err != nil {
			return fmt.Errorf("removing cgroup %s: %w", dir, err)
		}
	}
	return nil
}

// cgroups are the directories of a cgroup, one in each hierarchy that has it.
func cgroups(root string) ([]string, error) {
	hierarchies, err := filepath.Glob(filepath.Join("/sys/fs/cgroup", "*", root))
	if err != nil {
		return nil, err
	}
	unified := filepath.Join("/sys/fs/cgroup", root)
	if _, err := os.Stat(unified); err == nil {
		hierarchies = append(hierarchies, unified)
	}
	return hierarchies, nil
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
	pids, err := processesIn(dir)
	if err != nil {
		return err
	}
	if err := end(ctx, pids, unix.SIGKILL); err != nil {
		return err
	}
	return removeEmptied(ctx, dir)
}

// processesIn lists the processes in a cgroup itself.
func processesIn(dir string) ([]int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, field := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids, nil
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
