//go:build !linux

package quota

import "errors"

// Quotas are the project quotas of a file system.
type Quotas struct{}

// ErrNone says that a file system has no project quotas, or that nobody enforces them.
var ErrNone = errors.New("the file system has no project quotas")

// Open finds none: they are used on Linux only.
func Open(string) (*Quotas, error) { return nil, ErrNone }

// Usage is how large a project is, and may become.
type Usage struct{ Bytes, Inodes, Limit int64 }

// Free is not called, as there are none.
func (*Quotas) Free(uint32) (uint32, error) { return 0, ErrNone }

// Usage is not called, as there are none.
func (*Quotas) Usage(uint32) (Usage, error) { return Usage{}, ErrNone }

// Limit is not called, as there are none.
func (*Quotas) Limit(uint32, int64) error { return ErrNone }

// Assign is not called, as there are none.
func (*Quotas) Assign(string, uint32) error { return ErrNone }
