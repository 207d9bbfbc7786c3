package framework

import (
	"slices"
	"sync"
	"sync/atomic"

	fwk "k8s.io/kube-scheduler/framework"
)

// stateData is what plugins wrote, by key. There are about ten keys and a thousand times as many reads as writes, and so
// it is a list that is replaced when it changes and read without a lock.
type stateData struct {
	writing sync.Mutex
	own     atomic.Pointer[[]entry]
	base    []entry // shared with other states; never written to
}

type entry struct {
	key     fwk.StateKey
	value   fwk.StateData
	deleted bool // it hides the one in base
}

func find(entries []entry, key fwk.StateKey) int {
	for i := range entries {
		if entries[i].key == key {
			return i
		}
	}
	return -1
}

func (d *stateData) entries() []entry {
	if own := d.own.Load(); own != nil {
		return *own
	}
	return nil
}

// Read returns what was written under the key, or ErrNotFound.
func (d *stateData) Read(key fwk.StateKey) (fwk.StateData, error) {
	own := d.entries()
	if at := find(own, key); at >= 0 {
		if own[at].deleted {
			return nil, fwk.ErrNotFound
		}
		return own[at].value, nil
	}
	if at := find(d.base, key); at >= 0 {
		return d.base[at].value, nil
	}
	return nil, fwk.ErrNotFound
}

// Write stores a value under the key.
func (d *stateData) Write(key fwk.StateKey, value fwk.StateData) {
	d.put(entry{key: key, value: value})
}

// Delete removes the value under the key.
func (d *stateData) Delete(key fwk.StateKey) { d.put(entry{key: key, deleted: true}) }

func (d *stateData) put(new entry) {
	d.writing.Lock()
	defer d.writing.Unlock()
	own := d.entries()
	if at := find(own, new.key); at >= 0 {
		own = slices.Clone(own)
		own[at] = new
	} else {
		if own == nil {
			own = make([]entry, 0, 12)
		}
		own = append(own, new) // Readers look no further than their own slice reaches.
	}
	d.own.Store(&own)
}

// cloneInto copies the values, each by its own Clone; those that are shared stay shared.
func (d *stateData) cloneInto(other *stateData) {
	own := slices.Clone(d.entries())
	for i := range own {
		if own[i].value != nil {
			own[i].value = own[i].value.Clone()
		}
	}
	other.base = d.base
	other.own.Store(&own)
}
