package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Snapshot is a copy of a volume as it was.
type Snapshot struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Volume is the ID of the volume that it is of, which may be gone.
	Volume string `json:"volume"`
	// Size is the capacity that the volume had: a volume that is made of the snapshot has at least that.
	Size    int64     `json:"size"`
	Created time.Time `json:"created"`
}

const snapshotFile = "snapshot.json"

func (s *Store) snapshotPath(id string) string { return filepath.Join(s.dir, snapshotsDir, id) }
func (s *Store) snapshotData(id string) string { return filepath.Join(s.snapshotPath(id), dataDir) }

// Snapshot is the snapshot of an ID. Where there is none the error is ErrNotFound.
func (s *Store) Snapshot(id string) (Snapshot, error) {
	var found Snapshot
	if !isID(id) {
		return found, fmt.Errorf("snapshot %q: %w", id, ErrNotFound)
	}
	if err := read(filepath.Join(s.snapshotPath(id), snapshotFile), &found); err != nil {
		return Snapshot{}, fmt.Errorf("snapshot %s: %w", id, err)
	}
	return found, nil
}

// Snapshots are all snapshots, by ID.
func (s *Store) Snapshots() ([]Snapshot, error) {
	ids, err := s.list(snapshotsDir)
	if err != nil {
		return nil, err
	}
	var all []Snapshot
	for _, id := range ids {
		found, err := s.Snapshot(id)
		if errors.Is(err, ErrNotFound) {
			continue // it was deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, found)
	}
	return all, nil
}

// Take makes a snapshot of a volume. One of the name that is there is returned, if it is of that volume; else it is ErrExists.
func (s *Store) Take(ctx context.Context, name, volume string) (Snapshot, error) {
	switch there, err := s.Snapshot(ID(name)); {
	case err == nil && there.Volume == volume && there.Name == name:
		return there, nil
	case err == nil:
		return Snapshot{}, fmt.Errorf("snapshot %s of volume %s: %w", there.ID, there.Volume, ErrExists)
	case !errors.Is(err, ErrNotFound):
		return Snapshot{}, err
	}
	of, err := s.Volume(volume)
	if err != nil {
		return Snapshot{}, err
	}
	taken := Snapshot{ID: ID(name), Name: name, Volume: volume, Size: of.Capacity, Created: time.Now().UTC()}
	return taken, s.take(ctx, taken)
}

// take makes a snapshot aside, and then gives it its place.
func (s *Store) take(ctx context.Context, taken Snapshot) (err error) {
	aside, err := os.MkdirTemp(filepath.Join(s.dir, asideDir), taken.ID+"-")
	if err != nil {
		return fmt.Errorf("making snapshot %s: %w", taken.ID, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("making snapshot %s: %w", taken.ID, err), os.RemoveAll(aside))
		}
	}()
	data := filepath.Join(aside, dataDir)
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	if err := fill(ctx, s.Data(taken.Volume), data); err != nil {
		return err
	}
	if err := write(filepath.Join(aside, snapshotFile), taken); err != nil {
		return err
	}
	return publish(aside, s.snapshotPath(taken.ID))
}

// Drop deletes a snapshot. One that is not there was deleted before.
func (s *Store) Drop(id string) error {
	if _, err := s.Snapshot(id); errors.Is(err, ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if err := s.discard(s.snapshotPath(id)); err != nil {
		return err
	}
	return s.Wipe()
}
