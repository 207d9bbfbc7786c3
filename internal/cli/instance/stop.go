package instance

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// killPatience is how long a process that was killed may take to be gone.
const killPatience = 10 * time.Second

// Stop asks the process that runs the instance to end, and waits until it has let go. One that has not after patience, because
// it hangs, is killed: what it stores survives that. An instance that is not running is success.
func (i *Instance) Stop(ctx context.Context, patience time.Duration) (killed bool, err error) {
	if !i.Running() {
		return false, nil
	}
	pid := i.PID()
	if pid <= 0 {
		return false, fmt.Errorf("instance %s is running, but neither %s nor the system says by which process: end it by hand", i.Name, i.Path("pid"))
	}
	// A process that was suspended hears of SIGTERM only when it goes on.
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGCONT} {
		if err := send(pid, signal); err != nil {
			return false, fmt.Errorf("stopping process %d of instance %s: %w", pid, i.Name, err)
		}
	}
	if i.awaitEnd(ctx, patience) {
		return false, nil
	}
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("waiting for process %d of instance %s to stop: %w", pid, i.Name, err)
	}
	if err := send(pid, syscall.SIGKILL); err != nil {
		return false, fmt.Errorf("killing process %d of instance %s: %w", pid, i.Name, err)
	}
	if !i.awaitEnd(ctx, killPatience) {
		return true, fmt.Errorf("process %d of instance %s was killed and is not gone after %s: the kernel holds it, as it does for a disk that does not answer", pid, i.Name, killPatience)
	}
	return true, nil
}

// send signals a process; that it has ended meanwhile is success.
func send(pid int, signal syscall.Signal) error {
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// awaitEnd says whether the instance has been let go of within the time.
func (i *Instance) awaitEnd(ctx context.Context, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for i.Running() {
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return !i.Running()
		}
	}
	return true
}
