package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Usage is how much a directory takes, itself included.
type Usage struct {
	// Bytes are those of the blocks that files take on disk, which of a file with holes is less than its length.
	Bytes int64
	// Inodes are files and directories. One with several names counts once.
	Inodes int64
}

// Measure walks over a directory and adds up what it takes. What goes away meanwhile is not counted.
func Measure(dir string) (Usage, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Usage{}, fmt.Errorf("measuring %s: %w", dir, err)
	}
	defer func() { _ = root.Close() }() // read only
	var (
		total Usage
		seen  = map[inode]bool{}
	)
	err = fs.WalkDir(root.FS(), ".", func(_ string, entry fs.DirEntry, err error) error {
		if err == nil {
			total.add(entry, seen)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return Usage{}, fmt.Errorf("measuring %s: %w", dir, err)
	}
	return total, nil
}

// add counts one entry, unless it was counted by another name.
func (u *Usage) add(entry fs.DirEntry, seen map[inode]bool) {
	info, err := entry.Info()
	if err != nil {
		return // it is gone
	}
	id, links, bytes := identify(info)
	if links > 1 && !info.IsDir() {
		if seen[id] {
			return
		}
		seen[id] = true
	}
	u.Bytes += bytes
	u.Inodes++
}
