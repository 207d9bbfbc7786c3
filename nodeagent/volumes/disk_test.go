package volumes

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

var errCrash, errFault = errors.New("crashed"), errors.New("input/output error")

// faulty is a disk on which step number at (counted from 0) goes wrong: by an error, as of a full disk, or by a crash in the
// middle of it, after which nothing is done any more.
type faulty struct {
	disk
	at      int
	crashes bool
	steps   int
}

// step says whether the next step may be done; half of it is done where it is the one that crashes.
func (f *faulty) step(half func()) error {
	number := f.steps
	f.steps++
	switch {
	case number < f.at, number > f.at && !f.crashes:
		return nil
	case number == f.at && !f.crashes:
		return errFault
	case number == f.at:
		half()
	}
	return errCrash
}

// reached says whether there was a step with that number.
func (f *faulty) reached() bool { return f.steps > f.at }

func nothing() {}

func (f *faulty) MkdirAll(path string, mode os.FileMode) error {
	if err := f.step(nothing); err != nil {
		return err
	}
	return f.disk.MkdirAll(path, mode)
}

func (f *faulty) MkdirTemp(dir, pattern string) (string, error) {
	if err := f.step(nothing); err != nil {
		return "", err
	}
	return f.disk.MkdirTemp(dir, pattern)
}

func (f *faulty) WriteFile(path string, data []byte, mode os.FileMode) error {
	if err := f.step(func() { _ = f.disk.WriteFile(path, data[:len(data)/2], mode) }); err != nil {
		return err
	}
	return f.disk.WriteFile(path, data, mode)
}

func (f *faulty) Chown(path string, user, group int) error {
	if err := f.step(nothing); err != nil {
		return err
	}
	return f.disk.Chown(path, user, group)
}

func (f *faulty) Lchown(path string, user, group int) error {
	if err := f.step(nothing); err != nil {
		return err
	}
	return f.disk.Lchown(path, user, group)
}

func (f *faulty) Chmod(path string, mode os.FileMode) error {
	if err := f.step(nothing); err != nil {
		return err
	}
	return f.disk.Chmod(path, mode)
}

func (f *faulty) Symlink(target, path string) error {
	if err := f.step(nothing); err != nil {
		return err
	}
	return f.disk.Symlink(target, path)
}

func (f *faulty) Rename(from, to string) error {
	if err := f.step(nothing); err != nil {
		return err
	}
	return f.disk.Rename(from, to)
}

func (f *faulty) Sync(path string) error {
	if err := f.step(nothing); err != nil {
		return err
	}
	return f.disk.Sync(path)
}

func (f *faulty) Remove(path string) error {
	if err := f.step(nothing); err != nil {
		return err
	}
	return f.disk.Remove(path)
}

func (f *faulty) RemoveAll(path string) error {
	half := func() {
		if inside, err := os.ReadDir(path); err == nil && len(inside) > 0 {
			_ = f.disk.RemoveAll(filepath.Join(path, inside[0].Name()))
		}
	}
	if err := f.step(half); err != nil {
		return err
	}
	return f.disk.RemoveAll(path)
}

func (f *faulty) MountHugePages(path, options string) error {
	if err := f.step(nothing); err != nil {
		return err
	}
	return f.disk.MountHugePages(path, options)
}

func (f *faulty) MountMemory(path, options string) error {
	if err := f.step(nothing); err != nil {
		return err
	}
	return f.disk.MountMemory(path, options)
}

// faults runs a test for every step of what it does, with an error at that step and with a crash in it.
func faults(t *testing.T, test func(t *testing.T, disk *faulty)) {
	t.Helper()
	for _, crashes := range []bool{true, false} {
		kind := "an error at"
		if crashes {
			kind = "a crash in"
		}
		for at, more := 0, true; more; at++ {
			more = false // a test that stops itself is the last one
			t.Run(fmt.Sprintf("%s step %d", kind, at), func(t *testing.T) {
				disk := &faulty{disk: osDisk{}, at: at, crashes: crashes}
				test(t, disk)
				more = disk.reached()
			})
		}
	}
}
