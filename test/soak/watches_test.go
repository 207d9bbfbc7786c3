package soak

import (
	"strings"
	"testing"
)

func changed(version uint64, value string) Notice {
	return Notice{Kind: Changed, Object: "o", Value: value, Version: version}
}

func listed(version, of uint64) Notice {
	n := Notice{Kind: Listed, Version: version}
	if of > 0 {
		n.Objects = map[string]uint64{"o": of}
	}
	return n
}

func bookmarked(version uint64) Notice { return Notice{Kind: Bookmarked, Version: version} }

// written is what the watches in the tables are about.
var written = []Operation{
	wrote(0, 5, "a").at(0, 1), wrote(5, 7, "b").at(2, 3), tried(5, "refused", Refused).at(2, 4), wrote(7, 9, "c").at(4, 5), tried(9, "d", Unknown).at(6, 7),
}

func TestWatches(t *testing.T) {
	for name, c := range map[string]struct {
		notices []Notice
		// want is a part of the one sentence; empty, where nothing is wrong.
		want string
	}{
		"everything, once, in order":                   {notices: []Notice{listed(4, 0), changed(5, "a"), changed(7, "b"), changed(9, "c")}},
		"from the middle on":                           {notices: []Notice{listed(6, 5), changed(7, "b"), changed(9, "c")}},
		"an end before the last change":                {notices: []Notice{listed(4, 0), changed(5, "a")}},
		"a bookmark after everything":                  {notices: []Notice{listed(4, 0), changed(5, "a"), changed(7, "b"), bookmarked(8), changed(9, "c"), bookmarked(9), bookmarked(12)}},
		"a list after a gap":                           {notices: []Notice{listed(4, 0), changed(5, "a"), listed(8, 7), changed(9, "c")}},
		"a write that nobody was told of":              {notices: []Notice{listed(9, 9), changed(11, "d")}},
		"no list":                                      {notices: []Notice{changed(5, "a")}, want: "does not begin with a list"},
		"a change is missed":                           {notices: []Notice{listed(4, 0), changed(5, "a"), changed(9, "c")}, want: `has missed o = "b" of version 7`},
		"the first change is missed":                   {notices: []Notice{listed(4, 0), changed(7, "b"), changed(9, "c")}, want: `has missed o = "a" of version 5`},
		"a change is missed before a bookmark":         {notices: []Notice{listed(4, 0), changed(5, "a"), bookmarked(7)}, want: `has missed o = "b" of version 7`},
		"a change is repeated":                         {notices: []Notice{listed(4, 0), changed(5, "a"), changed(5, "a"), changed(7, "b")}, want: "change of version 5 after version 5"},
		"a change of before the list":                  {notices: []Notice{listed(8, 7), changed(7, "b"), changed(9, "c")}, want: "change of version 7 after version 8"},
		"a change of before a bookmark":                {notices: []Notice{listed(6, 5), changed(7, "b"), bookmarked(8), changed(7, "b")}, want: "change of version 7 after version 8"},
		"a bookmark that goes back":                    {notices: []Notice{listed(6, 5), changed(7, "b"), bookmarked(6)}, want: "bookmark of version 6 after version 7"},
		"a list that goes back":                        {notices: []Notice{listed(6, 5), changed(7, "b"), listed(5, 5)}, want: "list of version 5 after version 7"},
		"a list without what was there":                {notices: []Notice{listed(8, 0), changed(9, "c")}, want: "has o of version 0, and not of 7"},
		"a list of the past":                           {notices: []Notice{listed(8, 5), changed(9, "c")}, want: "has o of version 5, and not of 7"},
		"what nobody wrote":                            {notices: []Notice{listed(9, 9), changed(11, "z")}, want: "which nobody wrote"},
		"what was refused":                             {notices: []Notice{listed(9, 9), changed(11, "refused")}, want: "whose writer was refused"},
		"another value than the writer's at a version": {notices: []Notice{listed(4, 0), changed(5, "d")}, want: `version 5 is o = "a" for one, and o = "d" for another`},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := Watches(written, []Watch{{Name: "w", Notices: c.notices}})
			switch {
			case c.want == "" && len(wrong) > 0:
				t.Errorf("found %q, want nothing", wrong)
			case c.want != "" && (len(wrong) != 1 || !strings.Contains(wrong[0], c.want)):
				t.Errorf("found %q, want one sentence with %q", wrong, c.want)
			}
		})
	}
}

func TestWhatOneWatchWasToldAnotherMissed(t *testing.T) {
	wrong := Watches(written, []Watch{
		{Name: "one", Notices: []Notice{listed(9, 9), changed(11, "d")}},
		{Name: "two", Notices: []Notice{listed(9, 9), bookmarked(12)}},
	})
	if len(wrong) != 1 || wrong[0] != `watch two has missed o = "d" of version 11` {
		t.Errorf("found %q, want that two has missed what one was told", wrong)
	}
}
