package activity

import (
	"context"
	"sync"

	toolscache "k8s.io/client-go/tools/cache"
)

// handler is one of an informer, of which is known what it has been told.
type handler struct {
	toolscache.ResourceEventHandler
	tracker      *Tracker
	registration toolscache.ResourceEventHandlerRegistration
	// joined is what the informer had received before it was added: of that it is told what has become of it, in no order.
	joined uint64

	mu   sync.Mutex
	told uint64 // the revision of the last event
}

// tellWhenSynced tells the tracker when the handler has been told of all that was there at first: that may be nothing.
func (h *handler) tellWhenSynced(ctx context.Context) {
	synced := h.registration.HasSyncedChecker().Done()
	go func() {
		select {
		case <-synced:
			h.tracker.Changed()
		case <-ctx.Done():
		}
	}()
}

// shows reports whether it was told of what there was at first, and of what came since. What it was not told because that was
// before its time is in the store if the informer's first handler was told.
func (h *handler) shows(received uint64, first *handler) bool {
	return h.registration.HasSynced() && (h.wasTold(received) || received <= h.joined && first.wasTold(received))
}

func (h *handler) wasTold(revision uint64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.told >= revision
}

// OnAdd tells of an object.
func (h *handler) OnAdd(obj any, isInInitialList bool) {
	h.ResourceEventHandler.OnAdd(obj, isInInitialList)
	h.note(obj)
}

// OnUpdate tells of a change.
func (h *handler) OnUpdate(before, after any) {
	h.ResourceEventHandler.OnUpdate(before, after)
	h.note(after)
}

// OnDelete tells of a deletion.
func (h *handler) OnDelete(obj any) {
	h.ResourceEventHandler.OnDelete(obj)
	if tombstone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = tombstone.Obj
	}
	h.note(obj)
}

func (h *handler) note(obj any) {
	h.mu.Lock()
	h.told = max(h.told, versionOf(obj))
	h.mu.Unlock()
	h.tracker.Changed()
}
