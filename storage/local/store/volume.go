package store

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Volume is what a volume is.
type Volume struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Capacity is the most bytes that it is to take.
	Capacity int64 `json:"capacity"`
	// Source is what it is a copy of; the zero value means that it was empty.
	Source Source `json:"source,omitzero"`
	// Project is that of its quota; 0 where the file system had none.
	Project uint32    `json:"project,omitempty"`
	Created time.Time `json:"created"`
}

// Source is a volume or a snapshot, by its ID.
type Source struct {
	Volume   string `json:"volume,omitempty"`
	Snapshot string `json:"snapshot,omitempty"`
}

// Wanted is a volume that is to be there.
type Wanted struct {
	Name string
	// Capacity is the least that it has to have, and Limit the most; 0 sets no limit.
	Capacity, Limit int64
	Source          Source
}

// suits says that a volume is one as is wanted.
func (v Volume) suits(w Wanted) bool {
	return v.Name == w.Name && v.Capacity >= w.Capacity && (w.Limit == 0 || v.Capacity <= w.Limit) && v.Source == w.Source
}

const volumeFile = "volume.json"

func (s *Store) volumePath(id string) string { return filepath.Join(s.dir, volumesDir, id) }

// Data is where the content of a volume is.
func (s *Store) Data(id string) string { return filepath.Join(s.volumePath(id), dataDir) }

// Volume is the volume of an ID. Where there is none the error is ErrNotFound.
func (s *Store) Volume(id string) (Volume, error) {
	var v Volume
	if !isID(id) {
		return v, fmt.Errorf("volume %q: %w", id, ErrNotFound)
	}
	if err := read(filepath.Join(s.volumePath(id), volumeFile), &v); err != nil {
		return Volume{}, fmt.Errorf("volume %s: %w", id, err)
	}
	return v, nil
}

// Volumes are all volumes, by ID.
func (s *Store) Volumes() ([]Volume, error) {
	ids, err := s.list(volumesDir)
	if err != nil {
		return nil, err
	}
	var all []Volume
	for _, id := range ids {
		v, err := s.Volume(id)
		if errors.Is(err, ErrNotFound) {
			continue // it was deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// Create makes a volume. One that is there and suits is returned; one that does not is ErrExists.
func (s *Store) Create(ctx context.Context, w Wanted) (Volume, error) {
	v := Volume{ID: ID(w.Name), Name: w.Name, Capacity: w.Capacity, Source: w.Source, Created: time.Now().UTC().Truncate(time.Second)}
	switch there, err := s.Volume(v.ID); {
	case err == nil && there.suits(w):
		return there, nil
	case err == nil:
		return Volume{}, fmt.Errorf("volume %s of %d bytes: %w", there.ID, there.Capacity, ErrExists)
	case !errors.Is(err, ErrNotFound):
		return Volume{}, err
	}
	from, least, err := s.content(w.Source)
	if err != nil {
		return Volume{}, err
	}
	v.Capacity = max(v.Capacity, least)
	if w.Limit > 0 && v.Capacity > w.Limit {
		return Volume{}, fmt.Errorf("volume %s may have %d bytes, and what it is to be a copy of has %d: %w", v.ID, w.Limit, least, ErrFull)
	}
	release, err := s.reserve(v.ID, v.Capacity)
	if err != nil {
		return Volume{}, err
	}
	defer release()
	return v, s.make(ctx, &v, from)
}

// content is where the content of a source is, and how large a copy of it has to be. No source has none.
func (s *Store) content(of Source) (path string, size int64, err error) {
	switch {
	case of.Volume != "":
		v, err := s.Volume(of.Volume)
		return s.Data(of.Volume), v.Capacity, err
	case of.Snapshot != "":
		snapshot, err := s.Snapshot(of.Snapshot)
		return s.snapshotData(of.Snapshot), snapshot.Size, err
	default:
		return "", 0, nil
	}
}

// everybody may write into a new volume, whoever the pod runs as: only pods that have the volume see the directory.
const everybody = 0o777

// make makes a volume aside, and then gives it its place.
func (s *Store) make(ctx context.Context, v *Volume, from string) (err error) {
	aside, err := os.MkdirTemp(filepath.Join(s.dir, asideDir), v.ID+"-")
	if err != nil {
		return fmt.Errorf("making volume %s: %w", v.ID, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("making volume %s: %w", v.ID, err), os.RemoveAll(aside))
		}
	}()
	data := filepath.Join(aside, dataDir)
	if err := errors.Join(os.Mkdir(data, 0o700), os.Chmod(data, everybody)); err != nil {
		return err
	}
	if err := s.limit(v, data); err != nil {
		return err
	}
	if from != "" {
		if err := fill(ctx, from, data); err != nil {
			return err
		}
	}
	if err := write(filepath.Join(aside, volumeFile), v); err != nil {
		return err
	}
	return publish(aside, s.volumePath(v.ID))
}

// limit gives a volume whose directory is still empty a project of its own, if there are quotas.
func (s *Store) limit(v *Volume, data string) error {
	if s.quotas == nil {
		return nil
	}
	seed := fnv.New32a()
	_, _ = seed.Write([]byte(data)) // never fails
	s.allocating.Lock()
	defer s.allocating.Unlock()
	project, err := s.quotas.Free(seed.Sum32())
	if err != nil {
		return err
	}
	v.Project = project
	if err := s.quotas.Limit(project, v.Capacity); err != nil {
		return err
	}
	return s.quotas.Assign(data, project)
}

// Grow gives a volume a larger capacity. One that has as much is left alone.
func (s *Store) Grow(id string, capacity int64) (Volume, error) {
	v, err := s.Volume(id)
	if err != nil || v.Capacity >= capacity {
		return v, err
	}
	release, err := s.reserve(id, capacity-v.Capacity)
	if err != nil {
		return Volume{}, err
	}
	defer release()
	v.Capacity = capacity
	if v.Project != 0 && s.quotas != nil {
		if err := s.quotas.Limit(v.Project, capacity); err != nil {
			return Volume{}, err
		}
	}
	return v, write(filepath.Join(s.volumePath(id), volumeFile), v)
}

// Delete deletes a volume, and wipes it. One that is not there was deleted before.
func (s *Store) Delete(id string) error {
	v, err := s.Volume(id)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.discard(s.volumePath(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.measured.forget(id)
	if err := s.Wipe(); err != nil {
		return err
	}
	if v.Project != 0 && s.quotas != nil {
		return s.quotas.Limit(v.Project, 0)
	}
	return nil
}
