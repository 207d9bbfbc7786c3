package etcd

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"syscall"

	"go.uber.org/zap/zapcore"
)

// DamagedError says that etcd cannot go on with what it found in its data directory.
type DamagedError struct {
	// Dir is the data directory.
	Dir string
	// Reason is etcd's own.
	Reason error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the data in %s is damaged: %v: restore the directory from a copy, or remove it to start anew", e.Dir, e.Reason)
}

func (e *DamagedError) Unwrap() error { return e.Reason }

// FullError says that etcd ended because there was no room left for its data. What it had stored is whole.
type FullError struct {
	// Dir is the data directory.
	Dir string
	// Reason is etcd's own.
	Reason error
}

func (e *FullError) Error() string {
	return fmt.Sprintf("the disk of %s is full: %v: make room there, and start again: nothing that was stored is lost", e.Dir, e.Reason)
}

func (e *FullError) Unwrap() error { return e.Reason }

// ended is why etcd cannot go on in a directory.
func ended(dir string, reason error) error {
	if errors.Is(reason, syscall.ENOSPC) || errors.Is(reason, syscall.EDQUOT) {
		return &FullError{Dir: dir, Reason: reason}
	}
	return &DamagedError{Dir: dir, Reason: reason}
}

// fault is the first condition that etcd could not go on from. As a zap hook it takes the place of the exit and the
// panic that etcd would do on a fatal log entry, in whichever goroutine that is.
type fault struct {
	once  sync.Once
	dir   string
	done  chan struct{}
	cause error
}

func newFault(dir string) *fault { return &fault{dir: dir, done: make(chan struct{})} }

func (f *fault) set(err error) {
	f.once.Do(func() {
		f.cause = err
		close(f.done)
	})
}

func (f *fault) happened() <-chan struct{} { return f.done }

func (f *fault) err() error {
	select {
	case <-f.done:
		return f.cause
	default:
		return nil
	}
}

// recover turns a panic into the fault. It is deferred.
func (f *fault) recover() {
	if reason := recover(); reason != nil {
		err, ok := reason.(error)
		if !ok {
			err = fmt.Errorf("%v", reason)
		}
		f.set(ended(f.dir, fmt.Errorf("etcd stopped reading it at: %w", err)))
	}
}

// OnWrite implements zapcore.CheckWriteHook: it runs after a fatal or panic entry, and ends the goroutine that wrote
// it instead of the process.
func (f *fault) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	_, err := describe(fields)
	if err == nil {
		err = errors.New(entry.Message)
	} else {
		err = fmt.Errorf("%s: %w", entry.Message, err)
	}
	f.set(ended(f.dir, err))
	runtime.Goexit()
}
