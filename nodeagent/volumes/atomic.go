package volumes

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// current is the link to the directory with the content that holds. The names that a pod sees are links through it, so
// replacing this one link changes them all at once.
const current = "..data"

// Write makes the content of a volume's directory what is given. Readers see all of the old or all of the new content.
// Nothing is written if nothing changed.
func Write(dir string, files map[string]File, group *int64, now time.Time) error {
	for path := range files {
		if !filepath.IsLocal(path) || strings.HasPrefix(path, "..") {
			return fmt.Errorf("the path %q is not below the volume", path)
		}
	}
	old, err := os.Readlink(filepath.Join(dir, current))
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("reading the volume: %w", err)
	}
	if old != "" && same(filepath.Join(dir, old), files) {
		return nil
	}
	fresh, err := os.MkdirTemp(dir, now.UTC().Format("..2006_01_02_15_04_05.*"))
	if err != nil {
		return fmt.Errorf("making the volume's content: %w", err)
	}
	if err := fill(fresh, files, group); err != nil {
		return errors.Join(err, os.RemoveAll(fresh))
	}
	if err := replaceLink(filepath.Join(dir, current), filepath.Base(fresh)); err != nil {
		return errors.Join(err, os.RemoveAll(fresh))
	}
	if err := links(dir, files); err != nil {
		return err
	}
	if old == "" {
		return nil
	}
	if err := os.RemoveAll(filepath.Join(dir, old)); err != nil {
		return fmt.Errorf("removing the volume's old content: %w", err)
	}
	return nil
}

// same says whether a directory holds just these files.
func same(dir string, files map[string]File) bool {
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
		content, err := os.ReadFile(path)
		if wanted, ok := files[name]; err == nil && (!ok || !bytes.Equal(content, wanted.Data)) {
			return errors.New("another content")
		}
		return err
	})
	return err == nil && count == len(files)
}

func fill(dir string, files map[string]File, group *int64) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return fmt.Errorf("making the volume's content: %w", err)
	}
	for name, file := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making the volume's content: %w", err)
		}
		if err := os.WriteFile(path, file.Data, 0o600); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		if err := own(path, file, group); err != nil {
			return err
		}
	}
	return nil
}

// own sets a file's owner, group and mode; a group can read what it is given.
func own(path string, file File, group *int64) error {
	mode, user, gid := os.FileMode(file.Mode), -1, -1
	if file.Owner != nil {
		user = int(*file.Owner)
	}
	if group != nil {
		gid = int(*group)
		mode |= 0o440
	}
	if user >= 0 || gid >= 0 {
		if err := os.Chown(path, user, gid); err != nil {
			return fmt.Errorf("setting the owner of a file: %w", err)
		}
	}
	if err := os.Chmod(path, mode); err != nil {
		return fmt.Errorf("setting the mode of a file: %w", err)
	}
	return nil
}

func replaceLink(link, target string) error {
	temporary := link + "_tmp"
	if err := os.Remove(temporary); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("replacing the volume's content: %w", err)
	}
	if err := os.Symlink(target, temporary); err != nil {
		return fmt.Errorf("replacing the volume's content: %w", err)
	}
	if err := os.Rename(temporary, link); err != nil {
		return fmt.Errorf("replacing the volume's content: %w", err)
	}
	return nil
}

// links makes a link for each name at the top of the volume, and removes those that lead nowhere any more.
func links(dir string, files map[string]File) error {
	wanted := map[string]bool{}
	for path := range files {
		top, _, _ := strings.Cut(path, "/")
		wanted[top] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading the volume: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		switch {
		case strings.HasPrefix(name, ".."):
		case wanted[name]:
			delete(wanted, name)
		default:
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return fmt.Errorf("removing an old name from the volume: %w", err)
			}
		}
	}
	for name := range wanted {
		if err := os.Symlink(filepath.Join(current, name), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("naming a file in the volume: %w", err)
		}
	}
	return nil
}
