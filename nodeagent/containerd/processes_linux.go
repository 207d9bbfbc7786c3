package containerd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A containerd or shim of ours that nobody waits for any more is found by its command line, which names our configuration or
// socket. There is no file with a process id that could be out of date.

// replace ends a containerd that a former control plane left behind. Its containers go on.
func (r *Runtime) replace(ctx context.Context) error {
	left, err := r.containerds()
	if err != nil || len(left) == 0 {
		return err
	}
	r.log.Info("replacing a container runtime that was left behind", "pids", left)
	return end(ctx, left, unix.SIGTERM)
}

// killContainers ends every container of ours by force: the first process of each, which takes all in its process namespace with
// it, and the shim that watches it.
func (r *Runtime) killContainers(ctx context.Context) error {
	shims, err := r.shims()
	if err != nil {
		return err
	}
	doomed, err := children(shims)
	if err != nil {
		return err
	}
	return end(ctx, append(doomed, shims...), unix.SIGKILL)
}

// containerds lists the containerds that run with our configuration.
func (r *Runtime) containerds() ([]int, error) {
	return processes(func(argv []string) bool {
		return filepath.Base(argv[0]) == "containerd" && hasPair(argv, "--config", r.configFile())
	})
}

// shims lists those that were started for our containerd.
func (r *Runtime) shims() ([]int, error) {
	return processes(func(argv []string) bool {
		return filepath.Base(argv[0]) == "containerd-shim-runc-v2" && hasPair(argv, "-address", r.socket())
	})
}

// hasPair says whether a command line has an option with a value.
func hasPair(argv []string, option, value string) bool {
	i := slices.Index(argv, option)
	return i >= 0 && i+1 < len(argv) && argv[i+1] == value
}

// processes lists those whose command line fits, ourselves excepted.
func processes(fits func(argv []string) bool) ([]int, error) {
	var found []int
	err := eachProcess(func(pid int, dir string) {
		line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || len(line) == 0 {
			return // it ended meanwhile, or is the kernel's
		}
		argv := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
		if pid != os.Getpid() && fits(argv) {
			found = append(found, pid)
		}
	})
	return found, err
}

// children lists the processes whose parent is one of these.
func children(parents []int) ([]int, error) {
	var found []int
	err := eachProcess(func(pid int, dir string) {
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			return // it ended meanwhile
		}
		// The name in parentheses may hold anything; after it come the state and the parent.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) < 2 {
			return
		}
		if parent, err := strconv.Atoi(string(fields[1])); err == nil && slices.Contains(parents, parent) {
			found = append(found, pid)
		}
	})
	return found, err
}

// eachProcess visits /proc.
func eachProcess(visit func(pid int, dir string)) error {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return fmt.Errorf("listing processes: %w", err)
	}
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			visit(pid, filepath.Join("/proc", entry.Name()))
		}
	}
	return nil
}

// end signals processes and waits until they are gone; after stopGrace it kills those that are left. They need not be our children.
func end(ctx context.Context, pids []int, signal unix.Signal) error {
	var errs []error
	for _, pid := range pids {
		errs = append(errs, endOne(ctx, pid, signal))
	}
	return errors.Join(errs...)
}

// endOne holds on to a process by a descriptor, so that it cannot be confused with a later one of the same number.
func endOne(ctx context.Context, pid int, signal unix.Signal) error {
	process, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding process %d: %w", pid, err)
	}
	defer func() { _ = unix.Close(process) }() // a descriptor without data

	for _, s := range []unix.Signal{signal, unix.SIGKILL} {
		if err := unix.PidfdSendSignal(process, s, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("sending %s to process %d: %w", unix.SignalName(s), pid, err)
		}
		gone, err := awaitEnd(ctx, process, stopGrace)
		if err != nil {
			return fmt.Errorf("waiting for the end of process %d: %w", pid, err)
		}
		if gone {
			return nil
		}
	}
	return fmt.Errorf("process %d does not end", pid)
}

// awaitEnd says whether the process ended within the time.
func awaitEnd(ctx context.Context, process int, limit time.Duration) (bool, error) {
	const slice = 100 * time.Millisecond // how late we notice that ctx has ended
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		poll := []unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, int(slice.Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return false, err
		}
		if n > 0 {
			return true, nil
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
	}
	return false, nil
}
