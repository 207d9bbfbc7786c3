//go:build !linux

package segment

import (
	"context"
	"errors"
	"os/exec"
)

var errNotLinux = errors.New("several nodes on one machine need Linux: leave out --real-nodes")

// Up is never called.
func (*Segment) Up(context.Context) error { return errNotLinux }

// Join is never called.
func (*Segment) Join(int) error { return errNotLinux }

// Start is never called.
func (*Segment) Start(int, string, *exec.Cmd) error { return errNotLinux }

// Leave has nothing to do: there are no namespaces.
func Leave(string, int) error { return nil }

// Remove has nothing to do either.
func Remove(context.Context, string) error { return nil }
