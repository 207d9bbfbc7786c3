//go:build !linux

package bridge

import (
	"context"
	"errors"
)

var errNotLinux = errors.New("a pod network needs Linux: choose the simulated runtime with --runtime simulated")

// Up says that there is no pod network here.
func (n *Network) Up(context.Context) error { return errNotLinux }

// Down has nothing to remove.
func (n *Network) Down(context.Context) error { return nil }

// Remove has nothing to remove.
func Remove(context.Context, string, string) error { return nil }
