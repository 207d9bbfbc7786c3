package volumes

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// dataDir is the link to the directory with the content that holds. The names that a pod sees are links through it, so replacing
// this one link changes them all at once. It and all other names of the writer begin with two dots.
const dataDir = "..data"

// atomicWriter makes the content of a volume's directory what is given, as the kubelet's writer of this name does: readers see all
// of the old content or all of the new.
//
// No step counts as done because one that comes after it was done: an attempt before this one may have ended between any two. So
// each Write looks at all of them: the content, the link to it, the names, and what was left behind. Nothing is flushed to the
// disk, for a file that a power failure emptied is another content, and written anew.
type atomicWriter struct{ disk }

// Write changes only what is not as it should be. What an attempt that failed has left is removed by the next one.
func (w atomicWriter) Write(dir string, files map[string]File, group *int64, now time.Time) error {
	for path := range files {
		if !filepath.IsLocal(path) || strings.HasPrefix(path, "..") {
			return fmt.Errorf("the path %q is not below the volume", path)
		}
	}
	live, err := os.Readlink(filepath.Join(dir, dataDir))
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("reading the volume: %w", err)
	}
	if err := w.removeLeftovers(dir, live); err != nil {
		return err
	}
	if live == "" || !same(filepath.Join(dir, live), files, group) {
		if live, err = w.publish(dir, files, group, now); err != nil {
			return err
		}
	}
	if err := w.name(dir, files); err != nil {
		return err
	}
	return w.removeLeftovers(dir, live)
}

// same says whether a directory holds just these files, with their modes.
func same(dir string, files map[string]File, group *int64) bool {
	count := 0
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		count++
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		wanted, ok := files[name]
		if !ok {
			return errors.New("another file")
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil && (info.Mode() != modeOf(wanted, group) || !bytes.Equal(content, wanted.Data)) {
			return errors.New("another content")
		}
		return err
	})
	return err == nil && count == len(files)
}

// publish writes the files to a directory of their own, makes it the one that holds, and returns its name.
func (w atomicWriter) publish(dir string, files map[string]File, group *int64, now time.Time) (string, error) {
	fresh, err := w.MkdirTemp(dir, now.UTC().Format("..2006_01_02_15_04_05.*"))
	if err != nil {
		return "", fmt.Errorf("making the volume's content: %w", err)
	}
	if err := w.fill(fresh, files, group); err != nil {
		return "", err
	}
	link, name := filepath.Join(dir, dataDir), filepath.Base(fresh)
	if err := w.Symlink(name, link+"_tmp"); err != nil {
		return "", fmt.Errorf("replacing the volume's content: %w", err)
	}
	if err := w.Rename(link+"_tmp", link); err != nil {
		return "", fmt.Errorf("replacing the volume's content: %w", err)
	}
	return name, nil
}

func (w atomicWriter) fill(dir string, files map[string]File, group *int64) error {
	if err := w.Chmod(dir, 0o755); err != nil {
		return fmt.Errorf("making the volume's content: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path, file := filepath.Join(dir, name), files[name]
		if err := w.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making the volume's content: %w", err)
		}
		for parent := filepath.Dir(path); parent != dir; parent = filepath.Dir(parent) { // whatever the umask is
			if err := w.Chmod(parent, 0o755); err != nil {
				return fmt.Errorf("setting the mode of a directory: %w", err)
			}
		}
		if err := w.WriteFile(path, file.Data, 0o600); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		if err := w.own(path, file, group); err != nil {
			return err
		}
	}
	return nil
}

// own sets a file's owner, group and mode.
func (w atomicWriter) own(path string, file File, group *int64) error {
	user, gid := -1, -1
	if file.Owner != nil {
		user = int(*file.Owner)
	}
	if group != nil {
		gid = int(*group)
	}
	if user >= 0 || gid >= 0 {
		if err := w.Chown(path, user, gid); err != nil {
			return fmt.Errorf("setting the owner of a file: %w", err)
		}
	}
	if err := w.Chmod(path, modeOf(file, group)); err != nil {
		return fmt.Errorf("setting the mode of a file: %w", err)
	}
	return nil
}

// modeOf is a file's mode on the disk: a group can read what it is given.
func modeOf(file File, group *int64) os.FileMode {
	mode := os.FileMode(file.Mode).Perm()
	if group != nil {
		mode |= 0o440
	}
	return mode
}

// name makes a link for each name at the top of the volume, and removes what else a pod would see.
func (w atomicWriter) name(dir string, files map[string]File) error {
	missing := map[string]bool{}
	for path := range files {
		top, _, _ := strings.Cut(path, "/")
		missing[top] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading the volume: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, "..") {
			continue
		}
		if target, err := os.Readlink(filepath.Join(dir, name)); err == nil && missing[name] && target == filepath.Join(dataDir, name) {
			delete(missing, name)
			continue
		}
		if err := w.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("removing an old name from the volume: %w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		if err := w.Symlink(filepath.Join(dataDir, name), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("naming a file in the volume: %w", err)
		}
	}
	return nil
}

// removeLeftovers removes contents that do not hold, whole and half written, and links to them that never came to hold.
func (w atomicWriter) removeLeftovers(dir, live string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading the volume: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, "..") || name == dataDir || name == live {
			continue
		}
		if err := w.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("removing the volume's old content: %w", err)
		}
	}
	return nil
}
