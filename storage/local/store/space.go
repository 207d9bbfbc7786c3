package store

import (
	"fmt"
	"sync"
	"time"

	"github.com/orrery-dev/orrery/storage/local/tree"
)

// Usage is how much a volume takes.
type Usage = tree.Usage

// Usage is how much a volume takes: by its quota, or else as it was measured of late.
func (s *Store) Usage(v Volume) (Usage, error) {
	if v.Project == 0 || s.quotas == nil {
		return s.measured.of(v.ID, s.Data(v.ID))
	}
	used, err := s.quotas.Usage(v.Project)
	return Usage{Bytes: used.Bytes, Inodes: used.Inodes}, err
}

// Space is that of the file system.
type Space struct{ Available, Total, FreeInodes, Inodes int64 }

// Space is that of the file system that the store is on.
func (s *Store) Space() (Space, error) {
	space, err := spaceOf(s.dir)
	if err != nil {
		return Space{}, fmt.Errorf("looking how much space %s has: %w", s.dir, err)
	}
	return space, nil
}

// Free is how large a volume can be made: what the file system has, without what the volumes that there are may still come to take.
func (s *Store) Free() (int64, error) {
	space, err := s.Space()
	if err != nil {
		return 0, err
	}
	volumes, err := s.Volumes()
	if err != nil {
		return 0, err
	}
	free := space.Available - s.reserved.sum()
	for _, v := range volumes {
		used, err := s.Usage(v)
		if err != nil {
			return 0, err
		}
		free -= max(0, v.Capacity-used.Bytes)
	}
	return max(0, free), nil
}

// reservations are the space of volumes that are being made.
type reservations struct {
	mu sync.Mutex
	// deciding is held by who looks whether there is enough, until that is written down.
	deciding sync.Mutex
	bytes    int64
}

func (r *reservations) sum() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bytes
}

func (r *reservations) add(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes += bytes
}

// reserve keeps space for a volume until it is released, or says that there is not enough.
func (s *Store) reserve(volume string, bytes int64) (release func(), err error) {
	s.reserved.deciding.Lock()
	defer s.reserved.deciding.Unlock()
	free, err := s.Free()
	if err != nil {
		return nil, err
	}
	if bytes > free {
		return nil, fmt.Errorf("volume %s wants %d bytes, and %d are free: %w", volume, bytes, free, ErrFull)
	}
	s.reserved.add(bytes)
	return func() { s.reserved.add(-bytes) }, nil
}

// measurements remember how much volumes took. To measure one means to walk over it, so a measurement is good for a hundred times as
// long as it took, and at least for a minute: no more than a hundredth of the time goes into it.
type measurements struct {
	mu   sync.Mutex
	last map[string]measurement
}

type measurement struct {
	Usage
	until time.Time
}

const (
	goodAtLeast = time.Minute
	goodTimes   = 100
)

func (m *measurements) of(id, dir string) (Usage, error) {
	m.mu.Lock()
	last, ok := m.last[id]
	m.mu.Unlock()
	if ok && time.Now().Before(last.until) {
		return last.Usage, nil
	}
	begun := time.Now()
	used, err := tree.Measure(dir)
	if err != nil {
		return Usage{}, err
	}
	took := time.Since(begun)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil {
		m.last = map[string]measurement{}
	}
	m.last[id] = measurement{used, time.Now().Add(max(goodAtLeast, goodTimes*took))}
	return used, nil
}

func (m *measurements) forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.last, id)
}
