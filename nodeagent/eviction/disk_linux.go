package eviction

import (
	"io/fs"
	"path/filepath"
	"syscall"
)

// occupied is how many bytes of the disk a directory takes, each file once. What vanishes meanwhile takes none.
func occupied(dir string) (bytes int64) {
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
	return bytes
}
