package tree

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Action is what becomes of a file.
type Action string

// What can become of a file.
const (
	Create Action = "create"
	Change Action = "change"
	Delete Action = "delete"
)

// Difference is what becomes of one file. Before is nil for a file that is created, After for one that is deleted.
type Difference struct {
	Path          string
	Before, After *File
}

// Action is which of the three this is.
func (d Difference) Action() Action {
	switch {
	case d.Before == nil:
		return Create
	case d.After == nil:
		return Delete
	}
	return Change
}

// Changes are what becomes of a folder, by path.
type Changes []Difference

// Compare returns what turns one tree into the other.
func Compare(before, after Tree) Changes {
	paths := slices.Collect(maps.Keys(before))
	for path := range after {
		if _, known := before[path]; !known {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	var changes Changes
	for _, path := range paths {
		d := Difference{Path: path, Before: before.at(path), After: after.at(path)}
		if d.Before == nil || d.After == nil || !d.Before.same(*d.After) {
			changes = append(changes, d)
		}
	}
	return changes
}

// same is whether two files say the same and can both be run, or neither. Who may read and write them is a matter of who has the folder.
func (f File) same(other File) bool {
	const run = 0o111
	return f.Content == other.Content && f.Mode.Type() == other.Mode.Type() && (f.Mode&run == 0) == (other.Mode&run == 0)
}

func (t Tree) at(path string) *File {
	if file, known := t[path]; known {
		return &file
	}
	return nil
}

// Apply makes the changes in a folder: all of them, or none. A file that is not as it was when the changes were computed is an
// error.
func (c Changes) Apply(dir string) error {
	for _, d := range c {
		if err := d.stillHolds(dir); err != nil {
			return err
		}
	}
	for i, d := range c {
		if err := d.apply(dir); err != nil {
			return errors.Join(err, c[:i].revert(dir))
		}
	}
	return nil
}

// stillHolds returns an error where a file is not as Before says.
func (d Difference) stillHolds(dir string) error {
	now, err := read(filepath.Join(dir, filepath.FromSlash(d.Path)))
	switch {
	case errors.Is(err, os.ErrNotExist) && d.Before == nil:
		return nil
	case err != nil:
		return fmt.Errorf("looking at %s before it is written: %w", d.Path, err)
	case d.Before == nil || now != *d.Before:
		return fmt.Errorf("%s was changed by somebody else meanwhile: nothing was written, try again", d.Path)
	}
	return nil
}

func (d Difference) apply(dir string) error {
	path := filepath.Join(dir, filepath.FromSlash(d.Path))
	if d.After != nil {
		if err := d.After.write(path); err != nil {
			prune(filepath.Dir(path), dir)
			return fmt.Errorf("writing %s: %w", d.Path, err)
		}
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("deleting %s: %w", d.Path, err)
	}
	prune(filepath.Dir(path), dir)
	return nil
}

// prune deletes folders that have become empty, from one upwards to another which stays.
func prune(from, to string) {
	for from != filepath.Clean(to) && len(from) > len(to) && os.Remove(from) == nil {
		from = filepath.Dir(from)
	}
}

// revert takes changes back, the last one first.
func (c Changes) revert(dir string) error {
	var all error
	for _, d := range slices.Backward(c) {
		back := Difference{Path: d.Path, Before: d.After, After: d.Before}
		if err := back.apply(dir); err != nil {
			all = errors.Join(all, fmt.Errorf("taking a change back: %w", err))
		}
	}
	return all
}
