package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"github.com/orrery-dev/orrery/internal/durable"
	"github.com/orrery-dev/orrery/storage/local/quota"
	"github.com/orrery-dev/orrery/storage/local/tree"
)

// The errors that callers tell apart.
var (
	// ErrNotFound says that there is no such volume or snapshot.
	ErrNotFound = errors.New("there is none")
	// ErrExists says that there is one of the name which is another than was asked for.
	ErrExists = errors.New("there is another of this name")
	// ErrFull says that there is not enough space.
	ErrFull = errors.New("there is not enough space")
)

// Store is a directory with volumes and snapshots.
type Store struct {
	dir string
	// quotas are nil where the file system has none.
	quotas   *quota.Quotas
	reserved reservations
	// allocating is held while a project is looked for that nobody uses.
	allocating sync.Mutex
	measured   measurements
}

// The directories of a store.
const (
	volumesDir   = "volumes"
	snapshotsDir = "snapshots"
	asideDir     = "aside"
	goneDir      = "gone"
	dataDir      = "data"
)

// Open opens a store, and makes it where there is none. One process at a time may have it open.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir}
	for _, name := range []string{volumesDir, snapshotsDir, asideDir, goneDir} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return nil, fmt.Errorf("opening the store of volumes: %w", err)
		}
	}
	var err error
	if s.quotas, err = quota.Open(dir); err != nil && !errors.Is(err, quota.ErrNone) {
		return nil, fmt.Errorf("opening the store of volumes: %w", err)
	}
	left, err := os.ReadDir(filepath.Join(dir, asideDir))
	if err != nil {
		return nil, fmt.Errorf("opening the store of volumes: %w", err)
	}
	for _, entry := range left {
		if err := s.discard(filepath.Join(dir, asideDir, entry.Name())); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Enforces says whether volumes are held to their size.
func (s *Store) Enforces() bool { return s.quotas != nil }

// Wipe wipes what was deleted, and may take its time.
func (s *Store) Wipe() error {
	deleted, err := os.ReadDir(filepath.Join(s.dir, goneDir))
	if err != nil {
		return fmt.Errorf("looking for deleted volumes: %w", err)
	}
	var errs []error
	for _, entry := range deleted {
		errs = append(errs, os.RemoveAll(filepath.Join(s.dir, goneDir, entry.Name())))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("wiping deleted volumes: %w", err)
	}
	return nil
}

// plain are the names that are IDs as they are.
var plain = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,99}$`)

// ID is what a volume or snapshot of a name is known by, and its directory is called.
func ID(name string) string {
	if plain.MatchString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return "sha256-" + hex.EncodeToString(sum[:])
}

// isID says whether a string can be the ID of anything, and so the name of a directory.
func isID(id string) bool { return plain.MatchString(id) }

// read reads what a volume or snapshot is.
func read(path string, into any) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// write writes what a volume or snapshot is, whole or not at all, so that a power cut does not undo it.
func write(path string, what any) error {
	text, err := json.MarshalIndent(what, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", path, err)
	}
	return durable.WriteFile(path, append(text, '\n'), 0o600)
}

// fill copies a directory into another one. What is copied is on disk then: what has its place is whole, also after a power cut.
func fill(ctx context.Context, from, to string) error {
	if err := tree.Copy(ctx, from, to); err != nil {
		return err
	}
	if err := flush(to); err != nil {
		return fmt.Errorf("writing what was copied to disk: %w", err)
	}
	return nil
}

// publish gives what was made aside its place.
func publish(aside, place string) error {
	if err := os.Rename(aside, place); err != nil {
		return fmt.Errorf("putting %s in its place: %w", filepath.Base(place), err)
	}
	return durable.SyncDir(filepath.Dir(place))
}

// discard moves something to where it is wiped. What is not there was discarded before.
func (s *Store) discard(path string) error {
	gone, err := os.MkdirTemp(filepath.Join(s.dir, goneDir), filepath.Base(path)+"-")
	if err != nil {
		return fmt.Errorf("deleting %s: %w", path, err)
	}
	if err := os.Rename(path, filepath.Join(gone, "it")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("deleting %s: %w", path, err)
	}
	return durable.SyncDir(filepath.Dir(path))
}

// list are the IDs in one of the store's directories, in order.
func (s *Store) list(dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, dir))
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", dir, err)
	}
	ids := make([]string, 0, len(entries))
	for _, entry := range entries {
		ids = append(ids, entry.Name())
	}
	return ids, nil
}
