package soak

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// at is an operation from one time to another.
func (o Operation) at(called, returned int64) Operation {
	o.Object, o.Called, o.Returned = "o", called, returned
	return o
}

func read(version uint64, value string) Operation {
	return Operation{Verb: Read, Result: Acknowledged, Version: version, Value: value}
}

func wrote(from, version uint64, value string) Operation {
	return Operation{Verb: Write, Result: Acknowledged, From: from, Version: version, Value: value}
}

func tried(from uint64, value string, result Outcome) Operation {
	return Operation{Verb: Write, Result: result, From: from, Value: value}
}

func TestHistoriesOfAnObject(t *testing.T) {
	for name, c := range map[string]struct {
		history []Operation
		watches []Watch
		right   bool
	}{
		"writes one after the other":                      {history: []Operation{wrote(0, 5, "a").at(0, 1), wrote(5, 7, "b").at(2, 3), read(7, "b").at(4, 5)}, right: true},
		"a read beside a write may be of either":          {history: []Operation{wrote(0, 5, "a").at(0, 1), wrote(5, 7, "b").at(2, 9), read(5, "a").at(3, 4), read(7, "b").at(5, 6)}, right: true},
		"but not of the past after one of now":            {history: []Operation{wrote(0, 5, "a").at(0, 1), wrote(5, 7, "b").at(2, 9), read(7, "b").at(3, 4), read(5, "a").at(5, 6)}},
		"a read of the past":                              {history: []Operation{wrote(0, 5, "a").at(0, 1), wrote(5, 7, "b").at(2, 3), read(5, "a").at(4, 5)}},
		"an acknowledged write is lost":                   {history: []Operation{wrote(0, 5, "a").at(0, 1), read(0, "").at(2, 3)}},
		"an acknowledged write is lost under another one": {history: []Operation{wrote(0, 5, "a").at(0, 1), wrote(5, 7, "b").at(2, 3), wrote(5, 8, "c").at(4, 5)}},
		"two writes beside each other over the same":      {history: []Operation{wrote(0, 5, "a").at(0, 1), wrote(5, 7, "b").at(2, 9), wrote(5, 8, "c").at(2, 9)}},
		"one of them was refused":                         {history: []Operation{wrote(0, 5, "a").at(0, 1), wrote(5, 7, "b").at(2, 9), tried(5, "c", Refused).at(2, 9)}, right: true},
		"refused without a reason":                        {history: []Operation{wrote(0, 5, "a").at(0, 1), tried(5, "c", Refused).at(2, 3)}},
		"refused, and yet read":                           {history: []Operation{wrote(0, 5, "a").at(0, 1), wrote(5, 7, "b").at(2, 3), tried(5, "c", Refused).at(2, 3), read(8, "c").at(4, 5)}},
		"a value that nobody wrote":                       {history: []Operation{wrote(0, 5, "a").at(0, 1), read(5, "z").at(2, 3)}},
		"a version that goes back":                        {history: []Operation{wrote(0, 5, "a").at(0, 1), wrote(5, 4, "b").at(2, 3)}},
		"made twice":                                      {history: []Operation{wrote(0, 5, "a").at(0, 1), wrote(0, 7, "b").at(2, 3)}},
		"unknown, and never seen":                         {history: []Operation{wrote(0, 5, "a").at(0, 1), tried(5, "b", Unknown).at(2, 3), read(5, "a").at(4, 5)}, right: true},
		"unknown, and happened later":                     {history: []Operation{wrote(0, 5, "a").at(0, 1), tried(5, "b", Unknown).at(2, 3), read(5, "a").at(4, 5), read(9, "b").at(6, 7)}, right: true},
		"unknown, and seen before it was called":          {history: []Operation{wrote(0, 5, "a").at(0, 1), read(9, "b").at(2, 3), tried(5, "b", Unknown).at(4, 5)}},
		"unknown, happened, and was undone":               {history: []Operation{wrote(0, 5, "a").at(0, 1), tried(5, "b", Unknown).at(2, 3), read(9, "b").at(4, 5), read(5, "a").at(6, 7)}},
		"unknown, and what follows it was seen by a watch": {history: []Operation{wrote(0, 5, "a").at(0, 1), tried(5, "b", Unknown).at(2, 3), wrote(7, 9, "c").at(4, 5)},
			watches: []Watch{{Notices: []Notice{{Kind: Changed, Object: "o", Value: "b", Version: 7}}}}, right: true},
		"a read without an answer says nothing": {history: []Operation{wrote(0, 5, "a").at(0, 1), {Object: "o", Verb: Read, Result: Unknown, Called: 2, Returned: 3}}, right: true},
	} {
		t.Run(name, func(t *testing.T) {
			found := Registers(c.history, c.watches)
			if right := len(found) == 0; right != c.right {
				t.Errorf("found %v, want right to be %t", found, c.right)
			}
		})
	}
}

func TestAFindingNamesItsObjectAndDrawsIt(t *testing.T) {
	right := wrote(0, 6, "a").at(0, 1)
	right.Object = "right"
	found := Registers([]Operation{right, wrote(0, 5, "a").at(0, 1), read(0, "").at(2, 3)}, nil)
	if len(found) != 1 || found[0].Object != "o" || !strings.Contains(found[0].Why, "the 2 operations of o") {
		t.Fatalf("found %+v, want o alone", found)
	}
	path := filepath.Join(t.TempDir(), "o.html")
	if err := found[0].Picture(path); err != nil {
		t.Fatal(err)
	}
	if page, err := os.ReadFile(path); err != nil || !strings.Contains(string(page), "read: not there") {
		t.Errorf("the page (%v) does not show the read", err)
	}
}
