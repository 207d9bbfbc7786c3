package pods

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
)

// keyed runs a function for keys: never twice at once for one key, again when it was kicked meanwhile, and without a
// goroutine for keys that are at rest.
type keyed struct {
	clock clock.WithDelayedExecution
	// run does one pass for a key and says when to come back; zero means not by itself.
	run func(ctx context.Context, key types.UID) time.Duration

	mu      sync.Mutex
	ctx     context.Context // nil until start
	entries map[types.UID]*keyEntry
	group   sync.WaitGroup
}

type keyEntry struct {
	running, dirty bool
	timer          clock.Timer
}

func newKeyed(clock clock.WithDelayedExecution, run func(context.Context, types.UID) time.Duration) *keyed {
	return &keyed{clock: clock, run: run, entries: map[types.UID]*keyEntry{}}
}

// start lets the keys run that were kicked before, and those that will be, until ctx ends.
func (k *keyed) start(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ctx = ctx
	for key, entry := range k.entries {
		if entry.dirty {
			k.launch(key, entry)
		}
	}
}

// wait returns when no function runs any more. The context of start must have ended.
func (k *keyed) wait() { k.group.Wait() }

// kick asks for a pass.
func (k *keyed) kick(key types.UID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	entry := k.entry(key)
	entry.dirty = true
	k.launch(key, entry)
}

// after asks for a pass after a while, in place of any later one that was asked for.
func (k *keyed) after(key types.UID, wait time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	entry := k.entry(key)
	if entry.timer != nil {
		entry.timer.Stop()
	}
	entry.timer = k.clock.AfterFunc(wait, func() { go k.kick(key) })
}

// drop forgets a key; a pass that runs is the last one unless the key is kicked again.
func (k *keyed) drop(key types.UID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if entry := k.entries[key]; entry != nil {
		if entry.timer != nil {
			entry.timer.Stop()
		}
		delete(k.entries, key)
	}
}

func (k *keyed) entry(key types.UID) *keyEntry {
	entry := k.entries[key]
	if entry == nil {
		entry = &keyEntry{}
		k.entries[key] = entry
	}
	return entry
}

// launch starts a goroutine for a dirty key, if it has none. The lock is held.
func (k *keyed) launch(key types.UID, entry *keyEntry) {
	if k.ctx == nil || k.ctx.Err() != nil || entry.running {
		return
	}
	entry.running = true
	k.group.Go(func() {
		for k.claim(entry) {
			if again := k.run(k.ctx, key); again > 0 {
				k.again(key, entry, again)
			}
		}
	})
}

// claim says whether there is another pass to run.
func (k *keyed) claim(entry *keyEntry) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	entry.running = entry.dirty && k.ctx.Err() == nil
	entry.dirty = false
	if entry.running && entry.timer != nil {
		entry.timer.Stop()
		entry.timer = nil
	}
	return entry.running
}

// again sets the timer, unless the key was dropped meanwhile.
func (k *keyed) again(key types.UID, entry *keyEntry, wait time.Duration) {
	k.mu.Lock()
	current := k.entries[key] == entry
	k.mu.Unlock()
	if current {
		k.after(key, wait)
	}
}
