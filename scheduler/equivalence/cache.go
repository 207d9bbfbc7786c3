package equivalence

import (
	"container/list"
	"context"
	"hash/maphash"

	corev1 "k8s.io/api/core/v1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// DefaultLimit is how many bytes all classes may take: at 5,000 nodes, some hundred of them.
const DefaultLimit = 64 << 20

// mostSeen is how many keys are remembered that came once.
const mostSeen = 1 << 14

// Cache has the classes.
type Cache struct {
	limit  int
	used   int
	byKey  map[string]*list.Element
	recent *list.List // of *Class, last used first
	seen   map[uint64]struct{}
	seed   maphash.Seed
	key    []byte
	scan   Scan // whose memory is used again
}

// New returns a Cache without classes. 0 bytes means DefaultLimit.
func New(limit int) *Cache {
	if limit == 0 {
		limit = DefaultLimit
	}
	return &Cache{
		limit: limit, byKey: map[string]*list.Element{}, recent: list.New(),
		seen: map[uint64]struct{}{}, seed: maphash.MakeSeed(),
	}
}

// ClassOf returns the class of a pod, or nil where the pod has none (yet). The profile must have all its plugins and its
// queue.
func (c *Cache) ClassOf(ctx context.Context, profile *framework.Framework, pod *corev1.Pod) *Class {
	nominations, ok := profile.Nominations()
	if !ok || len(profile.Extenders()) > 0 {
		return nil
	}
	c.key, ok = profile.AppendEquivalenceKey(ctx, c.key[:0], pod)
	if !ok {
		return nil
	}
	c.key = framework.AppendNumber(c.key, int64(schedulinghelpers.PodPriority(pod)))
	element, found := c.byKey[string(c.key)]
	if !found {
		if !c.seenBefore() {
			return nil
		}
		element = c.add(newClass(ctx, string(c.key), profile, nominations, pod))
	}
	c.recent.MoveToFront(element)
	if class := element.Value.(*Class); class.state != nil {
		return class
	}
	return nil
}

// seenBefore reports whether the present key has been seen, and remembers it.
func (c *Cache) seenBefore() bool {
	hash := maphash.Bytes(c.seed, c.key)
	_, seen := c.seen[hash]
	if len(c.seen) >= mostSeen {
		clear(c.seen)
	}
	c.seen[hash] = struct{}{}
	return seen
}

func (c *Cache) add(class *Class) *list.Element {
	c.byKey[class.key] = c.recent.PushFront(class)
	c.used += class.bytes()
	return c.byKey[class.key]
}

// resized counts what a class takes, which depends on the number of nodes, and drops others to make room for it.
func (c *Cache) resized(class *Class, before int) {
	c.used += class.bytes() - before
	for c.used > c.limit && c.recent.Len() > 1 {
		oldest := c.recent.Back().Value.(*Class)
		if oldest == class {
			return
		}
		c.recent.Remove(c.recent.Back())
		delete(c.byKey, oldest.key)
		c.used -= oldest.bytes()
	}
}

// Len returns how many classes there are, and Bytes how much they take.
func (c *Cache) Len() int { return c.recent.Len() }

// Bytes returns about how much memory the classes take.
func (c *Cache) Bytes() int { return c.used }
