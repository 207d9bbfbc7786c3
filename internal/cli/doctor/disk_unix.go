//go:build unix

package doctor

import (
	"fmt"

	"golang.org/x/sys/unix"
)

func diskAt(path string) (Disk, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return Disk{}, fmt.Errorf("asking for the file system of %s: %w", path, err)
	}
	block := uint64(s.Bsize)
	return Disk{
		Path: path, Filesystem: filesystemOf(&s),
		Free: s.Bavail * block, Size: s.Blocks * block,
		FreeInodes: s.Ffree, Inodes: s.Files,
	}, nil
}

func openFiles() (Files, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return Files{}, fmt.Errorf("asking for the limit on open files: %w", err)
	}
	return Files{limit.Cur, limit.Max}, nil
}
