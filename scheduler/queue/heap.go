package queue

import "container/heap"

// entryHeap is a priority queue of entries, each of which knows its index.
type entryHeap struct {
	entries []*Entry
	less    func(a, b *Entry) bool
}

func (h *entryHeap) Len() int           { return len(h.entries) }
func (h *entryHeap) Less(i, j int) bool { return h.less(h.entries[i], h.entries[j]) }

func (h *entryHeap) Swap(i, j int) {
	h.entries[i], h.entries[j] = h.entries[j], h.entries[i]
	h.entries[i].index, h.entries[j].index = i, j
}

// Push is for container/heap only.
func (h *entryHeap) Push(entry any) {
	entry.(*Entry).index = len(h.entries)
	h.entries = append(h.entries, entry.(*Entry))
}

// Pop is for container/heap only.
func (h *entryHeap) Pop() any {
	last := len(h.entries) - 1
	entry := h.entries[last]
	h.entries[last] = nil
	h.entries = h.entries[:last]
	return entry
}

func (h *entryHeap) add(entry *Entry)    { heap.Push(h, entry) }
func (h *entryHeap) remove(entry *Entry) { heap.Remove(h, entry.index) }
func (h *entryHeap) fix(entry *Entry)    { heap.Fix(h, entry.index) }

// first returns the entry that comes first, or nil.
func (h *entryHeap) first() *Entry {
	if len(h.entries) == 0 {
		return nil
	}
	return h.entries[0]
}

// pods returns the number of pods in the entries.
func (h *entryHeap) pods() int {
	count := 0
	for _, entry := range h.entries {
		count += entry.size()
	}
	return count
}
