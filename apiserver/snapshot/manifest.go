package snapshot

import (
	"fmt"
	"strings"
	"time"
)

// Format is the version of the archive's layout. A program refuses one that it does not know.
const Format = 1

// Extension ends the names of snapshots.
const Extension = ".tar.zst"

// The names in the archive.
const (
	manifestName = "manifest.json"
	storeName    = "etcd.db"
	filesPrefix  = "files/"
)

// Manifest is what a snapshot says of itself. Its JSON is stable: fields may be added.
type Manifest struct {
	Format int `json:"format"`
	// Name is the instance's of which it was taken, and Version that of the program which ran it.
	Name    string    `json:"name"`
	Version string    `json:"version"`
	Taken   time.Time `json:"taken"`
	// Etcd is the version of the store's layout, as etcd tells it; Revision and Keys are how far it was, and how much is in it.
	Etcd     string `json:"etcd"`
	Revision int64  `json:"revision"`
	Keys     int    `json:"keys"`
	// WithKeys says that the files are in it without which nothing else than a control plane that has them can use it.
	WithKeys bool   `json:"withKeys"`
	Files    []File `json:"files"`
}

// File is a file of an archive.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Snapshot is one that lies on the disk.
type Snapshot struct {
	Manifest
	// Path is where it is, and Bytes how large.
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

// fileName is what a snapshot is called, the n-th of its second.
func (m *Manifest) fileName(n int) string {
	name := m.Name + "-" + m.Taken.UTC().Format("20060102T150405Z")
	if n > 0 {
		name += fmt.Sprintf("-%d", n)
	}
	return name + Extension
}

// check says what is wrong with a manifest.
func (m *Manifest) check() error {
	switch {
	case m.Format > Format:
		return fmt.Errorf("it is of format %d, of a later release: this one reads up to %d", m.Format, Format)
	case m.Format < 1 || len(m.Files) == 0 || m.Files[0].Name != storeName:
		return fmt.Errorf("its %s is not one of a snapshot", manifestName)
	}
	for _, file := range m.Files[1:] {
		if !strings.HasPrefix(file.Name, filesPrefix) {
			return fmt.Errorf("its %s names the file %q, which no snapshot has", manifestName, file.Name)
		}
	}
	return nil
}

// DamagedError says that a file cannot be restored.
type DamagedError struct {
	// Path is the file's, and Reason what is wrong with it.
	Path   string
	Reason error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is not a whole snapshot (%v): nothing was restored from it; take another", e.Path, e.Reason)
}

func (e *DamagedError) Unwrap() error { return e.Reason }
