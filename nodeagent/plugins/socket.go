package plugins

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// socket tells one socket from another that had its path before.
type socket struct {
	inode   uint64
	changed time.Time
}

// socketAt is the socket at a path; false if there is none.
func socketAt(path string) (socket, bool, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return socket{}, false, nil
	}
	if err != nil {
		return socket{}, false, fmt.Errorf("looking at a plugin's socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return socket{}, false, nil
	}
	return identify(info), true, nil
}

// identify goes by the time at which the socket was made as well: the number of a file that is gone is soon another's.
func identify(info fs.FileInfo) socket {
	s := socket{changed: info.ModTime()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = stat.Ino
	}
	return s
}

// sockets are those in a directory and below it, by their paths. What vanishes meanwhile is not among them.
func sockets(dir string) (map[string]socket, error) {
	found := map[string]socket{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case path != dir && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.Type() != fs.ModeSocket:
			return nil
		}
		if s, there, err := socketAt(path); err == nil && there {
			found[path] = s
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing the sockets of plugins: %w", err)
	}
	return found, nil
}
