package tree

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/orrery-dev/orrery/internal/durable"
)

// Tree is the files of a folder by their paths in it, with slashes.
type Tree map[string]File

// File is a regular file or a symbolic link.
type File struct {
	// Content is what stands in the file, or where the link points.
	Content string
	// Mode is the type and the permissions.
	Mode fs.FileMode
}

// skipped are the folders at the top that are none of a project's own text.
var skipped = map[string]bool{".git": true, "bin": true}

// Read returns the files of a folder.
func Read(dir string) (Tree, error) {
	t := Tree{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if skipped[name] {
				return filepath.SkipDir
			}
			return nil
		}
		if skipped[name] { // .git is a file in a further work tree
			return nil
		}
		file, err := read(path)
		t[filepath.ToSlash(name)] = file
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading folder %s: %w", dir, err)
	}
	return t, nil
}

func read(path string) (File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return File{}, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		to, err := os.Readlink(path)
		return File{Content: to, Mode: info.Mode()}, err
	}
	if !info.Mode().IsRegular() {
		return File{}, fmt.Errorf("%s is neither a file nor a link: move it away", path)
	}
	content, err := os.ReadFile(path)
	return File{Content: string(content), Mode: info.Mode()}, err
}

// Write puts the files into a folder, over those that are there.
func (t Tree) Write(dir string) error {
	for name, file := range t {
		if err := file.write(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}

func (f File) write(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if f.Mode&fs.ModeSymlink != 0 {
		_ = os.Remove(path) // a link cannot be written over
		return os.Symlink(f.Content, path)
	}
	return durable.WriteFile(path, []byte(f.Content), f.Mode)
}
