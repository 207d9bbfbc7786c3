package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"
)

// Copy copies the content of a directory into another one, which is there and empty, and gives that the mode, owner and times of the
// first. When ctx ends it stops, and leaves behind what it had.
func Copy(ctx context.Context, from, to string) error {
	source, err := os.OpenRoot(from)
	if err != nil {
		return fmt.Errorf("copying %s: %w", from, err)
	}
	defer func() { _ = source.Close() }() // read only
	target, err := os.OpenRoot(to)
	if err != nil {
		return fmt.Errorf("copying to %s: %w", to, err)
	}
	defer func() { _ = target.Close() }() // each file in it was closed with its error
	c := &copying{from: source, to: target, linked: map[inode]string{}}
	if err := c.directory(ctx, "."); err != nil {
		return fmt.Errorf("copying %s to %s: %w", from, to, err)
	}
	return nil
}

// copying is a copy under way. Names are relative to both roots.
type copying struct {
	from, to *os.Root
	// linked are the first names of files that have several.
	linked map[inode]string
}

// directory copies what is in a directory that both have, and then what the directory itself says: a mode that forbids writing must
// not keep us from it.
func (c *copying) directory(ctx context.Context, name string) error {
	opened, err := c.from.OpenFile(name, os.O_RDONLY|withoutWaiting, 0)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }() // read only
	info, err := opened.Stat()
	if err != nil {
		return err
	}
	entries, err := opened.ReadDir(-1)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.entry(ctx, path.Join(name, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	copied, err := c.to.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(c.same(name, info, opened, copied), copied.Close())
}

// entry copies one name, whatever it is. One that is gone meanwhile is an error that is fs.ErrNotExist.
func (c *copying) entry(ctx context.Context, name string) error {
	info, err := c.from.Lstat(name)
	if err != nil {
		return err
	}
	switch info.Mode().Type() {
	case fs.ModeDir:
		if err := c.to.Mkdir(name, 0o700); err != nil {
			return err
		}
		return c.directory(ctx, name)
	case fs.ModeSymlink:
		return c.symlink(name, info)
	case 0:
		return c.link(name, info)
	default:
		return nil
	}
}

func (c *copying) symlink(name string, info fs.FileInfo) error {
	target, err := c.from.Readlink(name)
	if err != nil {
		return err
	}
	if err := c.to.Symlink(target, name); err != nil {
		return err
	}
	return c.sameOwner(name, info)
}

// link copies a file, or makes another name for the copy of one that has several.
func (c *copying) link(name string, info fs.FileInfo) error {
	id, links, _ := identify(info)
	if first, ok := c.linked[id]; ok && links > 1 {
		return c.to.Link(first, name)
	}
	if err := c.file(name); err != nil {
		return err
	}
	if links > 1 {
		c.linked[id] = name
	}
	return nil
}

// file copies a regular file. The name may lead to another thing by now.
func (c *copying) file(name string) error {
	source, err := c.from.OpenFile(name, os.O_RDONLY|withoutWaiting, 0)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }() // read only
	info, err := source.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	target, err := c.to.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := copyContent(source, target, info.Size()); err != nil {
		return errors.Join(err, target.Close())
	}
	return errors.Join(c.same(name, info, source, target), target.Close())
}

// same gives a copy the owner, attributes, mode and times of the original. The owner comes first: a change of it takes away the
// set-user bits, and the capabilities that are kept in an attribute.
func (c *copying) same(name string, info fs.FileInfo, original, copied *os.File) error {
	if err := c.sameOwner(name, info); err != nil {
		return err
	}
	if err := sameAttributes(original, copied); err != nil {
		return err
	}
	if err := c.to.Chmod(name, info.Mode()&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)); err != nil {
		return err
	}
	return c.to.Chtimes(name, time.Time{}, info.ModTime())
}
