package etcd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// InUseError says that another process runs on a data directory.
type InUseError struct {
	// Dir is the data directory.
	Dir string
	// Owner describes the process that holds it, as in "process 4711"; empty if it is not known.
	Owner string
}

func (e *InUseError) Error() string {
	owner := e.Owner
	if owner == "" {
		owner = "another process"
	}
	return fmt.Sprintf("data directory %s is in use by %s: stop it first, or choose another directory", e.Dir, owner)
}

// Lock is held on a data directory by the one process that may use it. The kernel releases it when the process ends,
// however it ends.
type Lock struct {
	file *os.File
}

// Acquire makes dir when it is missing, checks that it can be written, and takes its lock. It does not wait: when the
// lock is held it returns an *InUseError.
func Acquire(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating data directory %s: %w", dir, err)
	}
	path := filepath.Join(dir, "lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory %s cannot be written: %w", dir, err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		owner := make([]byte, 64)
		n, _ := file.ReadAt(owner, 0)
		return nil, errors.Join(&InUseError{Dir: dir, Owner: strings.TrimSpace(string(owner[:n]))}, file.Close())
	}
	if err == nil {
		err = file.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprintf(file, "process %d\n", os.Getpid())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking data directory %s: %w", dir, err), file.Close())
	}
	return &Lock{file: file}, nil
}

// Release gives the directory back. Releasing twice, or releasing nil, does nothing.
func (l *Lock) Release() error {
	if l == nil || l.file == nil {
		return nil
	}
	file := l.file
	l.file = nil
	if err := file.Close(); err != nil {
		return fmt.Errorf("releasing data directory lock: %w", err)
	}
	return nil
}
