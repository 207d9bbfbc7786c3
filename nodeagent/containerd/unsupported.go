//go:build !linux

package containerd

import (
	"context"
	"syscall"
)

// New refuses to make a Runtime where there are no containers, so that none of these is ever called. They let programs that also
// have a simulated runtime be built.

func overlayWorks(string) error                         { return errNotLinux }
func oomScoreIsRestricted() (bool, error)               { return false, errNotLinux }
func raiseLimits() error                                { return errNotLinux }
func shareMounts(string) error                          { return errNotLinux }
func (r *Runtime) replace(context.Context) error        { return errNotLinux }
func (r *Runtime) containerds() ([]int, error)          { return nil, errNotLinux }
func (r *Runtime) shims() ([]int, error)                { return nil, errNotLinux }
func children([]int) ([]int, error)                     { return nil, errNotLinux }
func (r *Runtime) killContainers(context.Context) error { return errNotLinux }

func end(context.Context, []int, syscall.Signal) error { return errNotLinux }

// Unmount has nothing to do: only the runtime mounts anything.
func Unmount(string) error { return nil }
