package store

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// flush has all that was written to the file system of a directory be on disk: a copy may be of very many files.
func flush(dir string) error {
	opened, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(opened.Fd())), opened.Close())
}
