//go:build unix

package store

import "golang.org/x/sys/unix"

func spaceOf(dir string) (Space, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return Space{}, err
	}
	size := int64(fs.Bsize) //nolint:unconvert // its type differs between systems
	return Space{
		Available: int64(fs.Bavail) * size, Total: int64(fs.Blocks) * size, FreeInodes: int64(fs.Ffree), Inodes: int64(fs.Files),
	}, nil
}
