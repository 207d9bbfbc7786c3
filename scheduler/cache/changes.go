package cache

// Version is a moment in the life of a Snapshot.
type Version struct {
	// Epoch grows when all nodes are numbered anew. Numbers of different epochs have nothing to do with each other.
	Epoch int64
	// Sequence grows with each change of a node.
	Sequence int64
}

// changeLog remembers which nodes changed, most recent last. It is bounded by a few times the number of nodes: who is
// further behind looks at all of them, which costs no more.
type changeLog struct {
	epoch int64
	first int64 // the sequence of numbers[0]
	// numbers are those of changed nodes in order. One that changed twice stands there twice.
	numbers []int
}

func (l *changeLog) add(number, nodes int) {
	if limit := 1024 + 4*nodes; len(l.numbers) >= limit {
		dropped := len(l.numbers) - limit/2
		l.first += int64(dropped)
		l.numbers = l.numbers[:copy(l.numbers, l.numbers[dropped:])]
	}
	l.numbers = append(l.numbers, number)
}

func (l *changeLog) newEpoch() {
	l.epoch++
	l.first += int64(len(l.numbers))
	l.numbers = l.numbers[:0]
}

// Version returns the present moment.
func (s *Snapshot) Version() Version {
	return Version{Epoch: s.log.epoch, Sequence: s.log.first + int64(len(s.log.numbers))}
}

// ChangedSince returns the numbers of the nodes that changed after an earlier moment, in the order of their changes; a
// node can be there several times. That includes nodes that came, numbers that became another node's (which may be beyond
// the present end), and changes made to the snapshot itself, and their end. A node that went and whose number nobody got is
// not named: there are fewer nodes then. It reports false where that is no longer known or all nodes have other numbers
// now: then anything may have changed. The slice is valid until the snapshot changes.
func (s *Snapshot) ChangedSince(version Version) (numbers []int, known bool) {
	if version.Epoch != s.log.epoch || version.Sequence < s.log.first {
		return nil, false
	}
	return s.log.numbers[version.Sequence-s.log.first:], true
}
