package volumes

import (
	"errors"
	"os"
)

// disk is every change that this package makes to the file system. Each may be the last one before a crash, so each of them is a
// step of which a test can make the last one. Reading is done by package os.
type disk interface {
	MkdirAll(path string, mode os.FileMode) error
	MkdirTemp(dir, pattern string) (string, error)
	WriteFile(path string, data []byte, mode os.FileMode) error
	Chown(path string, user, group int) error
	// Lchown is Chown, of a link itself where there is one.
	Lchown(path string, user, group int) error
	Chmod(path string, mode os.FileMode) error
	Symlink(target, path string) error
	Rename(from, to string) error
	// Sync returns when what was written to a file is on the disk.
	Sync(path string) error
	// Remove removes a file, or a directory that has nothing in it.
	Remove(path string) error
	RemoveAll(path string) error
	// MountMemory puts a file system in memory onto a directory, as options describe it (tmpfs(5)).
	MountMemory(path, options string) error
	// MountHugePages does so with one that is made of huge pages (hugetlbfs).
	MountHugePages(path, options string) error
}

// osDisk is the file system of this machine.
type osDisk struct{}

var _ disk = osDisk{}

func (osDisk) MkdirAll(path string, mode os.FileMode) error  { return os.MkdirAll(path, mode) }
func (osDisk) MkdirTemp(dir, pattern string) (string, error) { return os.MkdirTemp(dir, pattern) }
func (osDisk) WriteFile(path string, data []byte, mode os.FileMode) error {
	return os.WriteFile(path, data, mode)
}
func (osDisk) Chown(path string, user, group int) error  { return os.Chown(path, user, group) }
func (osDisk) Lchown(path string, user, group int) error { return os.Lchown(path, user, group) }
func (osDisk) Chmod(path string, mode os.FileMode) error { return os.Chmod(path, mode) }
func (osDisk) Symlink(target, path string) error         { return os.Symlink(target, path) }
func (osDisk) Rename(from, to string) error              { return os.Rename(from, to) }
func (osDisk) Remove(path string) error                  { return os.Remove(path) }
func (osDisk) RemoveAll(path string) error               { return os.RemoveAll(path) }
func (osDisk) MountMemory(path, options string) error    { return mount("tmpfs", path, options) }
func (osDisk) MountHugePages(path, options string) error { return mount("hugetlbfs", path, options) }

func (osDisk) Sync(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
