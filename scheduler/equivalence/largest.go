package equivalence

// largest counts the raw scores of the nodes that fit, to know the largest.
type largest struct {
	nodes map[int64]int32
	value int64
}

func (l *largest) add(raw int64) {
	if l.nodes == nil {
		l.nodes = map[int64]int32{}
	}
	if len(l.nodes) == 0 || raw > l.value {
		l.value = raw
	}
	l.nodes[raw]++
}

func (l *largest) remove(raw int64) {
	if l.nodes[raw]--; l.nodes[raw] > 0 {
		return
	}
	delete(l.nodes, raw)
	if raw != l.value {
		return
	}
	l.value = 0
	first := true
	for other := range l.nodes {
		if first || other > l.value {
			l.value, first = other, false
		}
	}
}
