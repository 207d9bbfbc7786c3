package instance

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrRunning is the error of an instance that a process runs already.
var ErrRunning = errors.New("is running already")

// Lock is the right to run an instance. It ends with the process that holds it.
type Lock struct{ file *os.File }

// Acquire takes the instance for this process. An instance that another process runs is ErrRunning.
func (i *Instance) Acquire() (*Lock, error) {
	file, err := os.OpenFile(i.Path("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, i.cannotWrite(err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = file.Close() // nothing was written
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("instance %s in %s %w (process %d): stop it with 'orrery down', or start another with --name",
				i.Name, i.Dir, ErrRunning, i.PID())
		}
		return nil, fmt.Errorf("locking %s: %w", file.Name(), err)
	}
	if err := os.WriteFile(i.Path("pid"), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		return nil, errors.Join(i.cannotWrite(err), file.Close())
	}
	return &Lock{file}, nil
}

// Release gives the instance up.
func (l *Lock) Release() error { return l.file.Close() }

// Running reports whether a process runs the instance.
func (i *Instance) Running() bool {
	file, err := os.Open(i.Path("lock"))
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // read only
	err = unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	return errors.Is(err, unix.EWOULDBLOCK)
}

// PID is the process that runs the instance, or ran it last; 0 if it is not known.
func (i *Instance) PID() int {
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

// Stop asks the process that runs the instance to end, and waits until it has let go. An instance that is not running
// is success.
func (i *Instance) Stop(patience time.Duration) error {
	if !i.Running() {
		return nil
	}
	pid := i.PID()
	if pid <= 0 {
		return fmt.Errorf("instance %s is running, but %s does not say by which process", i.Name, i.Path("pid"))
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stopping process %d of instance %s: %w", pid, i.Name, err)
	}
	timeout := time.After(patience)
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for i.Running() {
		select {
		case <-look.C:
		case <-timeout:
			return fmt.Errorf("process %d of instance %s has not stopped within %s: see %s", pid, i.Name, patience, i.Log())
		}
	}
	return nil
}
