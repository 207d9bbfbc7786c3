package engine

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// remembered is how many plans of a key are kept.
const remembered = 8

// Pass is a plan that was carried out.
type Pass struct {
	// At is when it was decided.
	At time.Time
	// Plan is the plan in prose.
	Plan string
	// Error is what went wrong in carrying it out; empty means that nothing did.
	Error string
}

// memory is what the engine remembers of one key. Its pass has it for itself, but for what a preview copies, and what
// several steps, tasks and readers of its history share.
type memory struct {
	sightings sightings
	retries   int      // passes in a row that ended in a quiet retry
	failures  int      // and that failed
	before    []string // the tasks that were under way when the present pass began

	mu     sync.Mutex
	passes []Pass
	tasks  map[string]*task
	left   any               // by the last plan that left something
	said   map[string]string // subject -> what was said, in the pass before
	saying map[string]string // and in the present one
}

// recall is the memory of a key, which begins now if there is none.
func (e *Engine[K, W, A]) recall(key K) *memory {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.memories[key]
	if m == nil {
		m = &memory{}
		e.memories[key] = m
	}
	return m
}

// copyOf is a memory of a key that can be changed without anybody noticing.
func (e *Engine[K, W, A]) copyOf(key K) *memory {
	e.mu.Lock()
	m := e.memories[key]
	e.mu.Unlock()
	if m == nil {
		return &memory{}
	}
	c := &memory{}
	m.sightings.copyTo(&c.sightings)
	m.mu.Lock()
	defer m.mu.Unlock()
	c.tasks = make(map[string]*task, len(m.tasks))
	for name, t := range m.tasks {
		c.tasks[name] = &task{running: t.running}
	}
	return c
}

// leaveTo keeps what a plan that was carried out leaves to later looks.
func (p *Plan[A]) leaveTo(m *memory, failed error) {
	if p == nil || p.leave == nil {
		return
	}
	left := p.leave(failed)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = left
}

// left is what plans for a key have left.
func (e *Engine[K, W, A]) left(key any) any {
	of, ok := key.(K)
	if !ok {
		return nil
	}
	e.mu.Lock()
	m := e.memories[of]
	e.mu.Unlock()
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.left
}

// forget drops all that is remembered of a key, and calls its tasks off.
func (e *Engine[K, W, A]) forget(key K) {
	e.mu.Lock()
	m := e.memories[key]
	delete(e.memories, key)
	e.mu.Unlock()
	if m != nil {
		m.callOffAllBut(nil)
	}
}

// Recent are the last plans of a key that had anything in them, the newest first.
func (e *Engine[K, W, A]) Recent(key K) []Pass {
	e.mu.Lock()
	m := e.memories[key]
	e.mu.Unlock()
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	passes := slices.Clone(m.passes)
	slices.Reverse(passes)
	return passes
}

// Keys are the keys of which anything is remembered, in no order.
func (e *Engine[K, W, A]) Keys() []K {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Keys(e.memories))
}

// Follow hands each plan that is remembered from now on to f, once it has been carried out, for as long as the engine lives. f
// is called by the pass, and by those of several keys at once: it has to be quick.
func (e *Engine[K, W, A]) Follow(f func(key K, pass Pass)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.followers = append(slices.Clone(e.followers), f) // a pass may be reading the old ones
}

// remember keeps a plan that had anything in it, as prose: a plan would keep whole worlds alive.
func (e *Engine[K, W, A]) remember(key K, m *memory, at time.Time, decided Decision, err error) {
	if decided.Empty() && err == nil {
		return
	}
	e.note(key, m, at, decided.String(), err)
}

// note keeps what was done for a key, and tells who follows.
func (e *Engine[K, W, A]) note(key K, m *memory, at time.Time, plan string, err error) {
	pass := Pass{At: at, Plan: plan}
	if err != nil {
		pass.Error = err.Error()
	}
	m.add(pass)
	e.mu.Lock()
	followers := e.followers
	e.mu.Unlock()
	for _, f := range followers {
		f(key, pass)
	}
}

func (m *memory) add(pass Pass) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passes = append(m.passes, pass)
	if surplus := len(m.passes) - remembered; surplus > 0 {
		m.passes = slices.Delete(m.passes, 0, surplus)
	}
}

// first notes that something is said, and reports whether it is new.
func (m *memory) first(subject, said string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.saying == nil {
		m.saying = map[string]string{}
	}
	m.saying[subject] = said
	before, ok := m.said[subject]
	return !ok || before != said
}

// spoken ends a pass. What it did not say is forgotten, unless it failed before it could.
func (m *memory) spoken(failed error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if failed != nil && m.said != nil {
		said := maps.Clone(m.said)
		maps.Copy(said, m.saying)
		m.saying = said
	}
	m.said, m.saying = m.saying, nil
}

// sightings are the last fact about each subject of a key, and since when it holds. The zero value is empty. A preview
// copies them while a pass may ask.
type sightings struct {
	mu    sync.Mutex
	seen  map[string]sighting
	asked map[string]struct{} // in the present observation
}

type sighting struct {
	fact  string
	since time.Time
}

func (s *sightings) since(subject, fact string, now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen, s.asked = map[string]sighting{}, map[string]struct{}{}
	}
	s.asked[subject] = struct{}{}
	seen, ok := s.seen[subject]
	if !ok || seen.fact != fact {
		seen = sighting{fact: fact, since: now}
		s.seen[subject] = seen
	}
	return seen.since
}

// observed ends an observation. What it did not ask for, though it succeeded, holds no more.
func (s *sightings) observed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		maps.DeleteFunc(s.seen, func(subject string, _ sighting) bool { _, asked := s.asked[subject]; return !asked })
	}
	clear(s.asked)
}

func (s *sightings) copyTo(other *sightings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen != nil {
		other.seen, other.asked = maps.Clone(s.seen), map[string]struct{}{}
	}
}
