package containerd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// firstPause and longestPause bound how long we wait before a containerd that ended is started again: doubled each time.
	firstPause, longestPause = 100 * time.Millisecond, 10 * time.Second
	// stableAfter is how long one has to run for its end to count as the first again.
	stableAfter = time.Minute
	// stopGrace is how long containerd may take to stop. Its containers go on.
	stopGrace = 10 * time.Second
	// largeLog is the size in bytes above which the log is set aside at a start.
	largeLog = 16 << 20
)

// Run keeps a containerd running until ctx ends, then stops it and leaves its containers running. It returns an error only when
// it cannot begin: the directory is in use or cannot be written. A containerd that a former run left behind is replaced.
func (r *Runtime) Run(ctx context.Context) error {
	lock, err := r.prepare(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // which lets go of the lock
	return r.supervise(ctx)
}

// prepare takes the directory and makes it ready for a containerd.
func (r *Runtime) prepare(ctx context.Context) (*os.File, error) {
	if err := os.MkdirAll(r.options.Dir, 0o711); err != nil {
		return nil, fmt.Errorf("making the directory of the container runtime: %w", err)
	}
	lock, err := r.lock()
	if err != nil {
		return nil, err
	}
	if err := r.ready(ctx); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// errInUse is the error of a directory in which somebody else runs a containerd.
var errInUse = errors.New("it is in use by another process")

// lock takes the directory, as long as the file is open.
func (r *Runtime) lock() (*os.File, error) {
	lock, err := lockFile(filepath.Join(r.options.Dir, "lock"))
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = errInUse
	}
	if err != nil {
		return nil, fmt.Errorf("taking the container runtime in %s: %w: stop that process, or choose another data directory", r.options.Dir, err)
	}
	return lock, nil
}

// ready does what has to be done once before the first containerd.
func (r *Runtime) ready(ctx context.Context) error {
	if err := raiseLimits(); err != nil {
		r.log.Info("the limit on inotify instances stays low: programs in many pods may not be able to watch files", "reason", err.Error())
	}
	for _, dir := range r.options.SharedDirs {
		if err := shareMounts(dir); err != nil {
			return err
		}
	}
	if err := r.replace(ctx); err != nil {
		return fmt.Errorf("replacing the container runtime that was left behind: %w", err)
	}
	if err := r.writeConfig(); err != nil {
		return err
	}
	return setAside(r.LogFile())
}

// supervise starts containerd again and again.
func (r *Runtime) supervise(ctx context.Context) error {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		started := time.Now()
		err := r.runOnce(ctx)
		r.ended(err, ctx.Err() == nil)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it ended because it was told to
		}
		if time.Since(started) > stableAfter {
			pause = firstPause
		}
		r.log.Error(err, "the container runtime ended; containers go on, and it is started again", "log", r.LogFile(), "pause", pause.String())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// runOnce runs one containerd to its end, or until ctx ends. The error says how it ended.
func (r *Runtime) runOnce(ctx context.Context) error {
	log, err := os.OpenFile(r.LogFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	defer func() { _ = log.Close() }() // the child has its own copy

	child := exec.CommandContext(ctx, r.argv()[0], r.argv()[1:]...)
	child.Env = r.environment()
	child.Dir = "/"
	child.Stdout, child.Stderr = log, log
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that Ctrl-C reaches us alone
	child.Cancel = func() error { return child.Process.Signal(syscall.SIGTERM) }
	child.WaitDelay = stopGrace
	if err := child.Start(); err != nil {
		return err
	}
	r.started(child.Process.Pid)
	if err := child.Wait(); err != nil {
		return fmt.Errorf("containerd: %w", err)
	}
	return errors.New("containerd ended by itself")
}

// argv is how we start containerd, and how we know it again.
func (r *Runtime) argv() []string {
	return []string{filepath.Join(r.options.Programs, "containerd"), "--config", r.configFile()}
}

func (r *Runtime) started(pid int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin.Do(func() { close(r.begun) })
	r.status.PID, r.status.Since = pid, time.Now()
}

func (r *Runtime) ended(err error, unasked bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.PID, r.status.Since, r.status.LastError = 0, time.Now(), ""
	if unasked {
		r.status.Restarts++
		r.status.LastError = err.Error()
	}
}

// lockFile takes a file for ourselves until it is closed or we end.
func lockFile(name string) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// setAside renames a log that has grown large.
func setAside(log string) error {
	info, err := os.Stat(log)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil || info.Size() < largeLog {
		return err
	}
	return os.Rename(log, log+".1")
}
