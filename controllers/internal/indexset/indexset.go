// Package indexset is a set of small whole numbers that is written as in "0-3,5,7,8": the completion indexes of a Job.
//
// It is pure, and takes room by spans and not by numbers: a Job of a hundred thousand indexes, all done, is one.
package indexset

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Set is a set of numbers. The zero value is empty.
type Set struct {
	spans []span // in order, with a gap between any two
}

type span struct{ first, last int }

// Of is the set of some numbers.
func Of(numbers ...int) Set {
	sorted := slices.Clone(numbers)
	slices.Sort(sorted)
	var s Set
	for _, n := range sorted {
		s.add(span{n, n})
	}
	return s
}

// Parse reads a set, without what is limit or above. Where something is no set, the others still count, and the error says what is not.
func Parse(text string, limit int) (Set, error) {
	var spans []span
	var wrong error
	for part := range strings.SplitSeq(text, ",") {
		if part == "" {
			continue
		}
		from, to, ranged := strings.Cut(part, "-")
		if !ranged {
			to = from
		}
		first, err := strconv.Atoi(from)
		last, err2 := strconv.Atoi(to)
		if err != nil || err2 != nil || first < 0 || last < first {
			wrong = fmt.Errorf("reading the indexes %q: %q is neither a number nor a range", text, part)
			continue
		}
		if first < limit {
			spans = append(spans, span{first, min(last, limit-1)})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.first - b.first })
	var s Set
	for _, next := range spans {
		s.add(next)
	}
	return s, wrong
}

// add appends a span that does not begin before the last one does.
func (s *Set) add(next span) {
	if n := len(s.spans); n > 0 && next.first <= s.spans[n-1].last+1 {
		s.spans[n-1].last = max(s.spans[n-1].last, next.last)
		return
	}
	s.spans = append(s.spans, next)
}

// Union is what is in either set.
func (s Set) Union(other Set) Set {
	all := append(slices.Clone(s.spans), other.spans...)
	slices.SortFunc(all, func(a, b span) int { return a.first - b.first })
	var union Set
	for _, next := range all {
		union.add(next)
	}
	return union
}

// Has reports that a number is in the set.
func (s Set) Has(n int) bool {
	i, found := slices.BinarySearchFunc(s.spans, n, func(sp span, n int) int { return sp.last - n })
	return found || i < len(s.spans) && s.spans[i].first <= n
}

// Len is how many numbers there are.
func (s Set) Len() int {
	n := 0
	for _, sp := range s.spans {
		n += sp.last - sp.first + 1
	}
	return n
}

// Common is how many numbers are in both sets.
func (s Set) Common(other Set) int {
	n, i, j := 0, 0, 0
	for i < len(s.spans) && j < len(other.spans) {
		a, b := s.spans[i], other.spans[j]
		n += max(0, min(a.last, b.last)-max(a.first, b.first)+1)
		if a.last <= b.last {
			i++
		} else {
			j++
		}
	}
	return n
}

// Missing are the numbers below limit that are not in the set, the lowest first.
func (s Set) Missing(limit int) iter.Seq[int] {
	return func(yield func(int) bool) {
		n := 0
		for _, sp := range s.spans {
			for ; n < min(sp.first, limit); n++ {
				if !yield(n) {
					return
				}
			}
			n = max(n, sp.last+1)
		}
		for ; n < limit; n++ {
			if !yield(n) {
				return
			}
		}
	}
}

// String writes the set: numbers and ranges of three and more, in order.
func (s Set) String() string {
	parts := make([]string, 0, len(s.spans))
	for _, sp := range s.spans {
		switch sp.last - sp.first {
		case 0:
			parts = append(parts, strconv.Itoa(sp.first))
		case 1:
			parts = append(parts, strconv.Itoa(sp.first), strconv.Itoa(sp.last))
		default:
			parts = append(parts, fmt.Sprintf("%d-%d", sp.first, sp.last))
		}
	}
	return strings.Join(parts, ",")
}
