package stats

import (
	"io/fs"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// Occupied is how many bytes of the disk a directory takes, and how many inodes, each file once. What vanishes meanwhile takes none.
func Occupied(dir string) (bytes, inodes int64) {
	type inode struct{ device, number uint64 }
	seen := map[inode]bool{}
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // it is gone
		}
		info, err := entry.Info()
		if err != nil {
			return nil //nolint:nilerr // it is gone
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			if id := (inode{stat.Dev, stat.Ino}); !seen[id] {
				seen[id] = true
				bytes += stat.Blocks * 512
			}
		}
		return nil
	})
	return bytes, int64(len(seen))
}

// filesystem is the one that a path is on; false, where that cannot be read.
func filesystem(path string) (f filesystemSize, ok bool) {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return f, false
	}
	block := uint64(stat.Bsize)
	return filesystemSize{
		capacity: stat.Blocks * block, available: stat.Bavail * block, used: (stat.Blocks - stat.Bfree) * block,
		inodes: stat.Files, inodesFree: stat.Ffree,
	}, true
}

// device is the number of the one that a path is on; false, where that cannot be read.
func device(path string) (number uint64, ok bool) {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return 0, false
	}
	return stat.Dev, true
}
