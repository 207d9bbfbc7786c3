package explain_test

import (
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/scheduler/explain"
)

func TestWhatWasDecidedInASentence(t *testing.T) {
	for want, record := range map[string]explain.Record{
		"bind to one: the pod fits on 2 of 3 nodes":                                         {Node: "one", Attempt: 1, Feasible: 2, Evaluated: 3, AllNodes: 3},
		"bind to one: the pod fits on 2 of 3 nodes that were looked at, of 9, in attempt 4": {Node: "one", Attempt: 4, Feasible: 2, Evaluated: 3, AllNodes: 9},
		"wait: 0/3 nodes are available":                                                     {Message: "0/3 nodes are available"},
	} {
		if got := record.Sentence(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestWhoFollowsAHistoryIsToldEachRecord(t *testing.T) {
	h := explain.NewHistory(1)
	h.Add(explain.Record{Name: "before"})
	var told []string
	h.Follow(func(r explain.Record) {
		if _, found := h.Get("", r.Name); !found { // that it can ask shows that nothing is locked
			t.Errorf("%s is told before it is remembered", r.Name)
		}
		told = append(told, r.Name)
	})
	for _, name := range []string{"a", "b", "a"} {
		h.Add(explain.Record{Name: name})
	}
	if got := strings.Join(told, " "); got != "a b a" {
		t.Errorf("told %q, want each record", got)
	}
}
