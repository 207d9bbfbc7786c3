package controllers

import (
	"fmt"
	"slices"
	"strings"
)

// Selection says which loops run, as --controllers of kube-controller-manager does: "*" means all that are on by default, NAME
// turns one on and -NAME off, and of several words about one loop the first counts. Names are those of kube-controller-manager,
// with their aliases, and mean each loop that does the work of such a controller here; a loop's own name means it
// alone. The zero value is "*".
//
// A pointer to it is a value of a flag, which may be given several times.
type Selection struct{ words []string }

// everything is the word for all loops that are on by default.
const everything = "*"

// Set adds words, which commas part. What no controller is called is an error.
func (s *Selection) Set(text string) error {
	var words []string
	for word := range strings.SplitSeq(text, ",") {
		word, err := selectionWord(strings.TrimSpace(word))
		if err != nil {
			return err
		}
		words = append(words, word)
	}
	s.words = append(s.words, words...)
	return nil
}

// selectionWord is a word with the canonical name in it.
func selectionWord(word string) (string, error) {
	if word == everything {
		return word, nil
	}
	name, off := strings.CutPrefix(word, "-")
	name = canonicalName(name)
	u, isUpstream := upstreamOf(name)
	switch {
	case !isUpstream && !slices.Contains(loopNames(), name):
		return "", fmt.Errorf("%q is the name of no controller: did you mean %s?", word, nearest(name))
	case off:
		return "-" + name, nil
	case u.absent != "":
		return "", fmt.Errorf("orrery has no %s: %s", name, u.absent)
	default:
		return name, nil
	}
}

// String are the words, with canonical names.
func (s Selection) String() string {
	if len(s.words) == 0 {
		return everything
	}
	return strings.Join(s.words, ",")
}

// Type is what the value is called in a help.
func (Selection) Type() string { return "names" }

// Of are the entries of those loops that run.
func (s Selection) Of(entries []Entry) []Entry {
	var selected []Entry
	for _, e := range entries {
		if s.runs(e.Loop.Name()) {
			selected = append(selected, e)
		}
	}
	return selected
}

// Also is the selection with more loops turned on, where it has all that are on by default and does not turn them off.
func (s Selection) Also(loops ...string) Selection {
	words := s.words
	switch {
	case len(words) == 0:
		words = []string{everything}
	case !slices.Contains(words, everything):
		return s
	}
	return Selection{slices.Concat(words, loops)} // the first word about a loop counts
}

// runs reports that a loop runs.
func (s Selection) runs(loop string) bool {
	u, _ := upstreamOf(loop)
	for _, word := range s.words {
		if name := strings.TrimPrefix(word, "-"); name == loop || name == u.name {
			return word == name
		}
	}
	return !u.off && (len(s.words) == 0 || slices.Contains(s.words, everything))
}

// Asks reports that a loop runs because it was named.
func (s Selection) Asks(loop string) bool {
	u, _ := upstreamOf(loop)
	return s.runs(loop) && (slices.Contains(s.words, loop) || slices.Contains(s.words, u.name))
}

// Summary says which of the entries' loops run, in as few words as it takes; empty if it is those that run by default.
func (s Selection) Summary(entries []Entry) string {
	var on, with, without []string
	for _, e := range entries {
		name := e.Loop.Name()
		runs, usual := s.runs(name), Selection{}.runs(name)
		if runs {
			on = append(on, name)
		}
		if runs && !usual {
			with = append(with, name)
		}
		if usual && !runs {
			without = append(without, name)
		}
	}
	if len(on) == 0 {
		return "none"
	}
	if len(without) > len(on) {
		return "only " + strings.Join(on, ", ")
	}
	var parts []string
	if len(with) > 0 {
		parts = append(parts, "with "+strings.Join(with, ", "))
	}
	if len(without) > 0 {
		parts = append(parts, "without "+strings.Join(without, ", "))
	}
	return strings.Join(parts, "; ")
}

// Names are the names of all loops that can be turned on or off, and of those among them that run only where they are named.
func Names() (all, off []string) {
	all = loopNames()
	for _, name := range all {
		if u, _ := upstreamOf(name); u.off {
			off = append(off, name)
		}
	}
	return all, off
}

func loopNames() []string {
	var names []string
	for _, e := range All(Options{}) {
		names = append(names, e.Loop.Name())
	}
	slices.Sort(names)
	return names
}

// nearest is the name of a controller that a word is most like.
func nearest(word string) string {
	names := loopNames()
	for _, u := range upstreams {
		names = append(names, u.name, u.alias)
	}
	return slices.MinFunc(names, func(a, b string) int { return edits(word, a) - edits(word, b) })
}

// edits is how many letters have to be put in, left out or changed to make one word of another.
func edits(from, to string) int {
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		diagonal := row[0]
		row[0]++
		for j := range len(to) {
			change := diagonal
			if from[i] != to[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(to)]
}
