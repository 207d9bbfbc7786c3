package queue

import (
	"cmp"
	"slices"
	"time"
)

// wait is that of a key which is due.
type wait[K comparable] struct {
	key           K
	urgency       int
	since         time.Time
	before, after *wait[K] // in its lane
	lane          *lane[K] // nil while somebody processes the key
}

// line are the keys that can be handed out. There is a lane for each urgency that has been met, which are few.
type line[K comparable] struct {
	lanes []*lane[K] // the most urgent first
	n     int
}

// lane is a list of keys that are equally urgent.
type lane[K comparable] struct {
	urgency     int
	first, last *wait[K]
}

// push puts a key behind those that are as urgent.
func (l *line[K]) push(w *wait[K]) {
	at := l.lane(w.urgency)
	w.lane, w.before = at, at.last
	if at.last == nil {
		at.first = w
	} else {
		at.last.after = w
	}
	at.last = w
	l.n++
}

func (l *line[K]) lane(urgency int) *lane[K] {
	i, found := slices.BinarySearchFunc(l.lanes, urgency, func(a *lane[K], urgency int) int { return cmp.Compare(urgency, a.urgency) })
	if !found {
		l.lanes = slices.Insert(l.lanes, i, &lane[K]{urgency: urgency})
	}
	return l.lanes[i]
}

// pop takes the first of the most urgent keys; nil where there is none.
func (l *line[K]) pop() *wait[K] {
	for _, at := range l.lanes {
		if w := at.first; w != nil {
			l.remove(w)
			return w
		}
	}
	return nil
}

// remove takes a key out.
func (l *line[K]) remove(w *wait[K]) {
	if w.before == nil {
		w.lane.first = w.after
	} else {
		w.before.after = w.after
	}
	if w.after == nil {
		w.lane.last = w.before
	} else {
		w.after.before = w.before
	}
	w.before, w.after, w.lane = nil, nil, nil
	l.n--
}
