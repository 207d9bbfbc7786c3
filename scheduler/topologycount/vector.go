package topologycount

// pageSize is how many items are copied when one of them changes after a freeze.
const pageSize = 64

type page[T any] struct {
	edition int64
	items   [pageSize]T
}

// frozen is an array that never changes. Items beyond its end are zero.
type frozen[T any] struct{ pages []*page[T] }

func (f frozen[T]) at(i int32) (item T) {
	if p := int(i / pageSize); p < len(f.pages) && f.pages[p] != nil {
		return f.pages[p].items[i%pageSize]
	}
	return item
}

// each calls visit for all items that were ever edited, and some zero ones beside them.
func (f frozen[T]) each(visit func(i int32, item *T)) {
	for p, page := range f.pages {
		if page == nil {
			continue
		}
		for i := range page.items {
			visit(int32(p*pageSize+i), &page.items[i])
		}
	}
}

// vector is an array of any length that can be frozen at the cost of copying what changes after that, by pages. The zero
// value is all zeros.
type vector[T any] struct {
	frozen[T]
	// edition is that of pages that no frozen array shares.
	edition     int64
	tableShared bool
}

func (v *vector[T]) freeze() frozen[T] {
	v.edition++
	v.tableShared = true
	return v.frozen
}

// edit returns an item for changing. The pointer is valid until the next freeze.
func (v *vector[T]) edit(i int32) *T {
	p := int(i / pageSize)
	if v.tableShared || p >= len(v.pages) {
		table := make([]*page[T], max(len(v.pages), p+1))
		copy(table, v.pages)
		v.pages, v.tableShared = table, false
	}
	switch own := v.pages[p]; {
	case own == nil:
		v.pages[p] = &page[T]{edition: v.edition}
	case own.edition != v.edition:
		copied := *own
		copied.edition = v.edition
		v.pages[p] = &copied
	}
	return &v.pages[p].items[i%pageSize]
}
