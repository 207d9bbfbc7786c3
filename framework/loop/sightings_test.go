package loop

import (
	"testing"
	"time"
)

func TestSightings(t *testing.T) {
	begin := time.Date(2026, time.January, 1, 9, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }
	type ask struct {
		subject, fact string
		at            int
		want          int
	}
	for _, test := range []struct {
		name string
		asks []ask
	}{
		{"a first sight counts from now", []ask{{"a", "x", 5, 5}}},
		{"a fact that stays keeps its time", []ask{{"a", "x", 5, 5}, {"a", "x", 9, 5}}},
		{"a new fact counts from when it was seen", []ask{{"a", "x", 5, 5}, {"a", "y", 9, 9}, {"a", "y", 12, 9}}},
		{"a fact that comes back counts anew", []ask{{"a", "x", 5, 5}, {"a", "y", 9, 9}, {"a", "x", 12, 12}}},
		{"subjects do not mix", []ask{{"a", "x", 5, 5}, {"b", "x", 9, 9}, {"a", "x", 12, 5}}},
		{"what nobody asks about for a day is forgotten", []ask{{"a", "x", 5, 5}, {"b", "x", 90_000, 90_000}, {"a", "x", 90_001, 90_001}}},
		{"what is asked about is not", []ask{{"a", "x", 5, 5}, {"a", "x", 80_000, 5}, {"a", "x", 160_000, 5}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s sightings
			for _, ask := range test.asks {
				if got := s.since(ask.subject, ask.fact, at(ask.at)); !got.Equal(at(ask.want)) {
					t.Errorf("%s is %s at %ds: since %s, want %s", ask.subject, ask.fact, ask.at, got, at(ask.want))
				}
			}
		})
	}
}
