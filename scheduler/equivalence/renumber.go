package equivalence

// renumber follows nodes that came and went: numbers at the end are new or not used any more. Nodes whose number became
// another's are among those that changed.
func (t *Class) renumber(a Attempt) {
	names := a.Snapshot.Names()
	before, now := len(t.fits), len(names.ByNumber)
	if before == now && now > 0 && &names.ByNumber[0] == &t.names.ByNumber[0] {
		return
	}
	for number := now; number < before; number++ {
		t.drop(number)
	}
	kept := t.todo[:0]
	for _, number := range t.todo {
		if int(number) < now {
			kept = append(kept, number)
		}
	}
	t.todo, t.names = kept, names
	t.fits, t.pending = resized(t.fits, now), resized(t.pending, now)
	t.raw = resized(t.raw, now*t.scores.Len())
	t.byTotal.resize(now)
	t.feasible.resize(now)
	t.verdicts.Renumber(names)
	t.nominated.version = -1
	for number := before; number < now; number++ {
		t.markPending(number)
	}
	if before != now {
		t.recount(a)
	}
}

// drop forgets a node that is gone.
func (t *Class) drop(number int) {
	if t.fits[number] && !t.pending[number] {
		t.fresh--
		t.stale++
	}
	t.takeOut(number)
}

// recount marks the nodes of which plugins think otherwise when there is another number of nodes.
func (t *Class) recount(a Attempt) {
	counts := t.profile.CountingNodes(a.Pod)
	for number, node := range a.Snapshot.Nodes() {
		if counts(node) {
			t.markPending(number)
		}
	}
}

// resized returns a slice of another length. What is added is zero.
func resized[T any](slice []T, length int) []T {
	if length <= len(slice) {
		return slice[:length]
	}
	return append(slice, make([]T, length-len(slice))...)
}
