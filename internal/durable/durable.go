// Package durable writes files that outlast a crash, of the process or of the machine.
//
// Who reads a file meanwhile, or comes after a crash, finds it as it was or as it is to be, never half of it; and of what a function has
// returned nil for, the disk knows. Nothing is locked: of two who write the same file, the last one wins.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// WriteFile puts data into the place of the file at path, or of none. The file has the mode, whatever the umask and whoever could read
// the one before; so has what is written until it takes that place, which lies beside it, by a name with a dot and numbers. The folder has
// to be there. An error leaves the file as it was, or says that the folder could not be synced.
func WriteFile(path string, data []byte, mode fs.FileMode) error {
	if err := replace(path, data, mode.Perm()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

func replace(path string, data []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	file, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithStaticPermissions(mode))
	if err != nil {
		return err
	}
	defer func() { _ = file.Cleanup() }() // nothing is left of one that took its place
	if _, err := file.Write(data); err != nil {
		return err
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return SyncDir(dir)
}

// SyncDir has the disk know which files are in a folder, as after one was renamed or removed.
func SyncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
