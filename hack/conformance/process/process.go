// Package process runs other programs. Each has a process group of its own, so that Ctrl-C reaches this program alone, which then ends
// the others in the right order.
//
// It promises that when the context ends, the group is interrupted, and killed if it has not ended after its patience. It never leaves a
// program behind.
package process

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Command is a program that is to run.
type Command struct {
	// Args are the program and its arguments.
	Args []string
	// Dir is where it runs; empty means here.
	Dir string
	// Env is added to this program's environment.
	Env []string
	// Output takes what it writes; nil keeps it for the error.
	Output io.Writer
	// Patience is how long it may take to end once it was interrupted; zero means ten seconds.
	Patience time.Duration
	// Own gives it mounts of its own, which go when it ends.
	Own bool
}

// Run runs it to its end. If it fails and its output was not taken, the error ends with the last lines.
func (c Command) Run(ctx context.Context) error {
	command := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	command.Dir, command.Env = c.Dir, append(os.Environ(), c.Env...)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.Own {
		command.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	}
	var kept strings.Builder
	command.Stdout, command.Stderr = &kept, &kept
	if c.Output != nil {
		command.Stdout, command.Stderr = c.Output, c.Output
	}
	patience := c.Patience
	if patience == 0 {
		patience = 10 * time.Second
	}
	var killing *time.Timer
	command.Cancel = func() error {
		group := -command.Process.Pid
		killing = time.AfterFunc(patience, func() { _ = syscall.Kill(group, syscall.SIGKILL) }) // it may have ended meanwhile
		return syscall.Kill(group, syscall.SIGINT)
	}
	command.WaitDelay = patience + time.Second
	err := command.Run()
	if killing != nil {
		killing.Stop()
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && c.Output == nil:
		return fmt.Errorf("%s: %w\n%s", strings.Join(c.Args, " "), err, last(kept.String(), 20))
	case err != nil:
		return fmt.Errorf("%s: %w", c.Args[0], err)
	}
	return nil
}

// last returns the last lines of a text.
func last(text string, count int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
