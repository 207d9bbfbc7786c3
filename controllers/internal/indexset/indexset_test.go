package indexset_test

import (
	"slices"
	"testing"

	"github.com/orrery-dev/orrery/controllers/internal/indexset"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int
		want  string
		wrong bool
	}{
		{"", 10, "", false},
		{"0-3,5,7,8", 10, "0-3,5,7,8", false},
		{"0,1,2", 10, "0-2", false},
		{"3-8", 5, "3,4", false},
		{"7", 5, "", false},
		{"1,x,3", 10, "1,3", true},
		{"4-2,1", 10, "1", true},
	} {
		got, err := indexset.Parse(tt.text, tt.limit)
		if got.String() != tt.want || (err != nil) != tt.wrong {
			t.Errorf("%q below %d is %q (%v), want %q", tt.text, tt.limit, got, err, tt.want)
		}
	}
}

// TestASetIsAsOneOfNumbers compares with a map.
func TestASetIsAsOneOfNumbers(t *testing.T) {
	const limit = 40
	numbers := rapid.SliceOf(rapid.IntRange(0, limit-1))
	rapid.Check(t, func(t *rapid.T) {
		a, b := numbers.Draw(t, "a"), numbers.Draw(t, "b")
		s, other := indexset.Of(a...), indexset.Of(b...)
		again, err := indexset.Parse(s.Union(other).String(), limit)
		if err != nil {
			t.Fatal(err)
		}
		total, common := 0, 0
		var missing []int
		for n := range limit {
			inA, inB := slices.Contains(a, n), slices.Contains(b, n)
			if s.Has(n) != inA || again.Has(n) != (inA || inB) {
				t.Fatalf("%d is in %s: %t, and in %s: %t", n, s, s.Has(n), again, again.Has(n))
			}
			if inA || inB {
				total++
			} else {
				missing = append(missing, n)
			}
			if inA && inB {
				common++
			}
		}
		if again.Len() != total || s.Common(other) != common || !slices.Equal(slices.Collect(again.Missing(limit)), missing) {
			t.Fatalf("%s and %s: %d in either, %d in both, %v in none", s, other, again.Len(), s.Common(other), slices.Collect(again.Missing(limit)))
		}
	})
}
