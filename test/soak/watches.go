package soak

import (
	"fmt"
	"maps"
	"slices"
)

// change is one object's at one version of the store.
type change struct{ object, value string }

// record is all that has been changed, by version, as far as anybody was told.
type record struct {
	changes map[uint64]change
	// versions are those of the changes, ascending.
	versions []uint64
	// may are all values that were to be written, and whether the write was refused.
	may map[change]Outcome
}

// Watches finds, in sentences, what watches have told that is not so: changes out of order, repeated, missed or made up, and lists that
// are not of their version.
func Watches(history []Operation, watches []Watch) []string {
	r, wrong := newRecord(history, watches)
	for _, w := range watches {
		for _, why := range r.judge(w.Notices) {
			wrong = append(wrong, "watch "+w.Name+" "+why)
		}
	}
	return wrong
}

// newRecord puts together what writers and watchers know, and says where they do not agree.
func newRecord(history []Operation, watches []Watch) (r record, wrong []string) {
	r = record{changes: map[uint64]change{}, may: map[change]Outcome{}}
	add := func(version uint64, c change) {
		if known, ok := r.changes[version]; ok && known != c {
			wrong = append(wrong, fmt.Sprintf("version %d is %s = %q for one, and %s = %q for another", version, known.object, known.value, c.object, c.value))
			return
		}
		r.changes[version] = c
	}
	for _, o := range history {
		if o.Verb != Write {
			continue
		}
		r.may[change{o.Object, o.Value}] = o.Result
		if o.Result == Acknowledged {
			add(o.Version, change{o.Object, o.Value})
		}
	}
	for _, w := range watches {
		for _, n := range w.Notices {
			if n.Kind == Changed {
				add(n.Version, change{n.Object, n.Value})
			}
		}
	}
	r.versions = slices.Sorted(maps.Keys(r.changes))
	return r, wrong
}

// between are the versions of changes after one and before another.
func (r record) between(after, before uint64) []uint64 {
	first, _ := slices.BinarySearch(r.versions, after+1)
	last, _ := slices.BinarySearch(r.versions, before)
	return r.versions[first:max(first, last)]
}

// judge says what is wrong with the notices of one watch.
func (r record) judge(notices []Notice) (wrong []string) {
	var last uint64
	for i, n := range notices {
		switch {
		case i == 0 && n.Kind != Listed:
			return []string{"does not begin with a list"}
		case n.Version < last, n.Version == last && n.Kind == Changed:
			wrong = append(wrong, fmt.Sprintf("has a %s of version %d after version %d", n.Kind, n.Version, last))
			continue
		case n.Kind == Listed:
			wrong = append(wrong, r.judgeList(n)...)
		case n.Kind == Changed:
			wrong = append(wrong, r.missed(last, n.Version)...)
			wrong = append(wrong, r.judgeChange(n)...)
		case n.Kind == Bookmarked:
			wrong = append(wrong, r.missed(last, n.Version+1)...)
		}
		last = n.Version
	}
	return wrong
}

// missed are the changes that a watch should have told.
func (r record) missed(after, before uint64) (wrong []string) {
	for _, version := range r.between(after, before) {
		c := r.changes[version]
		wrong = append(wrong, fmt.Sprintf("has missed %s = %q of version %d", c.object, c.value, version))
	}
	return wrong
}

// judgeChange looks for who wrote it.
func (r record) judgeChange(n Notice) []string {
	switch result, asked := r.may[change{n.Object, n.Value}]; {
	case !asked:
		return []string{fmt.Sprintf("tells of %s = %q of version %d, which nobody wrote", n.Object, n.Value, n.Version)}
	case result == Refused:
		return []string{fmt.Sprintf("tells of %s = %q of version %d, whose writer was refused", n.Object, n.Value, n.Version)}
	}
	return nil
}

// judgeList looks whether a list has of each object the last version before its own.
func (r record) judgeList(n Notice) (wrong []string) {
	want := map[string]uint64{}
	for _, version := range r.between(0, n.Version+1) {
		want[r.changes[version].object] = version
	}
	for _, object := range slices.Sorted(maps.Keys(want)) {
		if got := n.Objects[object]; got != want[object] && r.knows(got) {
			wrong = append(wrong, fmt.Sprintf("begins with a list of version %d that has %s of version %d, and not of %d", n.Version, object, got, want[object]))
		}
	}
	return wrong
}

// knows says whether a version is none, or that of a change that somebody was told. Of others nothing can be said: the writer got no
// answer, and all who watch began later.
func (r record) knows(version uint64) bool {
	_, known := r.changes[version]
	return known || version == 0
}
