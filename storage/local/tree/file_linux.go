package tree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// withoutWaiting opens a pipe too without waiting for its other end: a file may have become one.
const withoutWaiting = unix.O_NONBLOCK

// inode is what a file is, whatever its names.
type inode struct{ device, number uint64 }

// identify says what a file is, how many names it has, and how many bytes it takes on disk.
func identify(info fs.FileInfo) (id inode, links uint64, bytes int64) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return inode{}, 1, info.Size()
	}
	// stat(2) counts in these, whatever the file system's own blocks are.
	const block = 512
	return inode{stat.Dev, stat.Ino}, uint64(stat.Nlink), stat.Blocks * block //nolint:unconvert // it has other sizes on other architectures
}

func (c *copying) sameOwner(name string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 { // only root gives files away
		return nil
	}
	return c.to.Lchown(name, int(stat.Uid), int(stat.Gid))
}

// copyContent shares the blocks of one file with another, or copies the parts of it that are no holes.
func copyContent(from, to *os.File, size int64) error {
	if unix.IoctlFileClone(int(to.Fd()), int(from.Fd())) == nil {
		return nil
	}
	for at := int64(0); at < size; {
		data, err := from.Seek(at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			break // the rest is a hole
		}
		if err != nil {
			return err
		}
		hole, err := from.Seek(data, unix.SEEK_HOLE)
		if err != nil {
			return err
		}
		if err := copyPart(from, to, data, hole-data); err != nil {
			return err
		}
		at = hole
	}
	return to.Truncate(size)
}

func copyPart(from, to *os.File, at, length int64) error {
	for _, file := range []*os.File{from, to} {
		if _, err := file.Seek(at, io.SeekStart); err != nil {
			return err
		}
	}
	_, err := io.CopyN(to, from, length)
	if errors.Is(err, io.EOF) {
		return nil // it has become shorter
	}
	return err
}

// sameAttributes copies the extended attributes of an open file to another. Those that cannot be set there, as on a file system that
// has none, or of a security module, are left out: the copy has its own.
func sameAttributes(from, to *os.File) error {
	names, err := attributes(from)
	if err != nil {
		return err
	}
	for _, name := range names {
		value := make([]byte, largestAttribute)
		n, err := unix.Fgetxattr(int(from.Fd()), name, value)
		if err != nil {
			continue // it is gone, or not for us to read
		}
		if err := unix.Fsetxattr(int(to.Fd()), name, value[:n], 0); err != nil && !isRefusal(err) {
			return fmt.Errorf("setting attribute %s: %w", name, err)
		}
	}
	return nil
}

// largestAttribute is how long the value of an extended attribute may be, and the list of their names.
const largestAttribute = 64 << 10

func attributes(file *os.File) ([]string, error) {
	list := make([]byte, largestAttribute)
	n, err := unix.Flistxattr(int(file.Fd()), list)
	if err != nil {
		if isRefusal(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("listing attributes: %w", err)
	}
	var names []string
	for start, i := 0, 0; i < n; i++ {
		if list[i] == 0 {
			names = append(names, string(list[start:i]))
			start = i + 1
		}
	}
	return names, nil
}

func isRefusal(err error) bool {
	return errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)
}
