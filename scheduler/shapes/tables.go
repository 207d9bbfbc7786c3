package shapes

import (
	"container/list"
	"context"
	"hash/maphash"

	corev1 "k8s.io/api/core/v1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// DefaultLimit is how many bytes all tables may take: at 5,000 nodes, those of some hundred shapes.
const DefaultLimit = 64 << 20

// mostSeen is how many shapes are remembered that came once.
const mostSeen = 1 << 14

// Tables are the tables of all shapes.
type Tables struct {
	limit  int
	used   int
	byKey  map[string]*list.Element
	recent *list.List // of *Table, last used first
	seen   map[uint64]struct{}
	seed   maphash.Seed
	key    []byte
	sweep  Sweep // whose memory is used again
}

// New returns no tables yet. 0 bytes means DefaultLimit.
func New(limit int) *Tables {
	if limit == 0 {
		limit = DefaultLimit
	}
	return &Tables{
		limit: limit, byKey: map[string]*list.Element{}, recent: list.New(),
		seen: map[uint64]struct{}{}, seed: maphash.MakeSeed(),
	}
}

// For returns the table for a pod, or nil where the pod has none (yet). The profile must have all its plugins and its
// queue.
func (t *Tables) For(ctx context.Context, profile *framework.Framework, pod *corev1.Pod) *Table {
	nominations, ok := profile.Nominations()
	if !ok || len(profile.Extenders()) > 0 {
		return nil
	}
	t.key, ok = profile.AppendShape(ctx, t.key[:0], pod)
	if !ok {
		return nil
	}
	t.key = framework.AppendNumber(t.key, int64(schedulinghelpers.PodPriority(pod)))
	element, found := t.byKey[string(t.key)]
	if !found {
		if !t.cameBefore() {
			return nil
		}
		element = t.add(newTable(ctx, string(t.key), profile, nominations, pod))
	}
	t.recent.MoveToFront(element)
	if table := element.Value.(*Table); table.shared != nil {
		return table
	}
	return nil
}

// cameBefore reports whether the present shape has been seen, and remembers it.
func (t *Tables) cameBefore() bool {
	hash := maphash.Bytes(t.seed, t.key)
	_, seen := t.seen[hash]
	if len(t.seen) >= mostSeen {
		clear(t.seen)
	}
	t.seen[hash] = struct{}{}
	return seen
}

func (t *Tables) add(table *Table) *list.Element {
	t.byKey[table.key] = t.recent.PushFront(table)
	t.used += table.bytes()
	return t.byKey[table.key]
}

// resized counts what a table takes, which depends on the number of nodes, and drops others to make room for it.
func (t *Tables) resized(table *Table, before int) {
	t.used += table.bytes() - before
	for t.used > t.limit && t.recent.Len() > 1 {
		oldest := t.recent.Back().Value.(*Table)
		if oldest == table {
			return
		}
		t.recent.Remove(t.recent.Back())
		delete(t.byKey, oldest.key)
		t.used -= oldest.bytes()
	}
}

// Len returns how many shapes have a table, and Bytes how much they take.
func (t *Tables) Len() int { return t.recent.Len() }

// Bytes returns about how much memory the tables take.
func (t *Tables) Bytes() int { return t.used }
