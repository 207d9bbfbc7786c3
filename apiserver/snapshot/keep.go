package snapshot

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// List describes the snapshots of an instance in a directory, the newest first. An empty name means those of all instances. Files that are none are passed over, and told as
// the joined error beside the list; a directory that does not exist has none.
func List(dir, name string) ([]Snapshot, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing snapshots: %w", err)
	}
	var (
		list []Snapshot
		errs []error
	)
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), Extension) || !entry.Type().IsRegular() {
			continue
		}
		s, err := Describe(filepath.Join(dir, entry.Name()))
		switch {
		case err != nil:
			errs = append(errs, err)
		case name == "" || s.Name == name:
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b Snapshot) int {
		return cmp.Or(b.Taken.Compare(a.Taken), strings.Compare(b.Path, a.Path))
	})
	return list, errors.Join(errs...)
}

// Prune removes all but the newest so many snapshots of an instance in a directory, and returns those that it removed. Fewer than one is
// an error.
func Prune(dir, name string, keep int) ([]Snapshot, error) {
	if keep < 1 {
		return nil, fmt.Errorf("keeping %d snapshots: want 1 or more", keep)
	}
	list, damaged := List(dir, name)
	if len(list) <= keep {
		return nil, damaged
	}
	surplus := list[keep:]
	for i, s := range surplus {
		if err := os.Remove(s.Path); err != nil {
			return surplus[:i], errors.Join(fmt.Errorf("removing a snapshot: %w", err), damaged)
		}
	}
	return surplus, damaged
}
