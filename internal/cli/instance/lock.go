package instance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrRunning is the error of an instance that a process runs already.
var ErrRunning = errors.New("is running already")

// Lock is the right to run an instance. It ends with the process that holds it.
type Lock struct{ file *os.File }

// dyingPatience is how long a process that holds an instance and does not answer is given to answer, or to end: one that was
// killed lets go only when the kernel has taken its memory back.
const dyingPatience = 10 * time.Second

// look is how often it is looked whether a process has let go.
const look = 50 * time.Millisecond

// Acquire takes the instance for this process. An instance that another process runs is ErrRunning: at once if that process
// answers, and if it does not after a while, or when ctx ends.
func (i *Instance) Acquire(ctx context.Context) (*Lock, error) {
	ctx, cancel := context.WithTimeout(ctx, dyingPatience)
	defer cancel()
	for {
		lock, err := i.tryAcquire()
		if !errors.Is(err, ErrRunning) {
			return lock, err
		}
		if _, silent := i.Status(ctx); silent == nil || i.suspended() {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(look):
		}
	}
}

// Probe looks how the instance is: its status if a process runs it, nil if none does. A process that does not answer because it is
// dying, or has only just started, is waited for; one that goes on not to is a SilentError.
func (i *Instance) Probe(ctx context.Context) (*Status, error) {
	ctx, cancel := context.WithTimeout(ctx, dyingPatience)
	defer cancel()
	for i.Running() {
		status, err := i.Status(ctx)
		if err == nil {
			return &status, nil
		}
		if i.suspended() || !i.Exists() {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(look):
		}
	}
	return nil, nil
}

func (i *Instance) tryAcquire() (*Lock, error) {
	if _, err := os.Stat(i.lockFile()); errors.Is(err, fs.ErrNotExist) && i.Running() {
		return nil, i.alreadyRunning() // its directory was removed, and it goes on
	}
	file, err := os.OpenFile(i.lockFile(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, i.cannotWrite(err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = file.Close() // nothing was written
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, i.alreadyRunning()
		}
		return nil, fmt.Errorf("locking %s: %w", file.Name(), err)
	}
	if err := os.WriteFile(i.Path("pid"), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		return nil, errors.Join(i.cannotWrite(err), file.Close())
	}
	return &Lock{file}, nil
}

func (i *Instance) alreadyRunning() error {
	return fmt.Errorf("instance %s in %s %w (process %d): stop it with '%s', or start another with --name",
		i.Name, i.Dir, ErrRunning, i.PID(), i.Command("down"))
}

func (i *Instance) lockFile() string { return i.Path("lock") }

// Release gives the instance up.
func (l *Lock) Release() error { return l.file.Close() }

// Running reports whether a process runs the instance, also one whose directory was removed under it.
func (i *Instance) Running() bool {
	file, err := os.Open(i.lockFile())
	if errors.Is(err, fs.ErrNotExist) {
		return holder(i.lockFile()) != 0
	}
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // read only
	err = unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	return errors.Is(err, unix.EWOULDBLOCK)
}

// PID is the process that runs the instance, or ran it last; 0 if it is not known.
func (i *Instance) PID() int {
	if pid := holder(i.lockFile()); pid != 0 {
		return pid
	}
	data, err := os.ReadFile(i.Path("pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 0
	}
	return pid
}
