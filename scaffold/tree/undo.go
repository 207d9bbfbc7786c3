package tree

import (
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// Undo takes out of text what the change from before to after put there, and puts back what it took away. What stands there in
// other words is left, and returned: somebody has to see to it.
func Undo(before, after, text string) (undone string, left []string) {
	old, changed, now := plainLines(before), plainLines(after), plainLines(text)
	steps := difflib.NewMatcher(trimmed(old), trimmed(changed)).GetOpCodes()
	for _, step := range slices.Backward(steps) {
		if step.Tag == 'e' {
			continue
		}
		from, found := find(now, changed, step.J1, step.J2)
		if !found {
			left = append(left, strings.Join(changed[step.J1:step.J2], ""))
			continue
		}
		now = slices.Replace(now, from, from+step.J2-step.J1, old[step.I1:step.I2]...)
	}
	slices.Reverse(left)
	return strings.Join(now, ""), left
}

// context is how many lines around a change may help to tell its place.
const context = 3

// find returns where the lines from one index to another stand in now: with as many lines around them as there still are, and at
// one place only.
func find(now, of []string, from, to int) (int, bool) {
	for around := context; around >= 0; around-- {
		first, last := max(0, from-around), min(len(of), to+around)
		if first == last {
			continue
		}
		if places := stands(now, of[first:last]); len(places) == 1 {
			return places[0] + from - first, true
		}
	}
	return 0, false
}

// stands returns where a block stands, whatever its indentation.
func stands(text, block []string) []int {
	var places []int
	text, block = trimmed(text), trimmed(block)
	for i := 0; i+len(block) <= len(text); i++ {
		if slices.Equal(text[i:i+len(block)], block) {
			places = append(places, i)
		}
	}
	return places
}

func plainLines(text string) []string {
	return slices.DeleteFunc(strings.SplitAfter(text, "\n"), func(line string) bool { return line == "" })
}

func trimmed(text []string) []string {
	all := make([]string, len(text))
	for i, line := range text {
		all[i] = strings.TrimSpace(line)
	}
	return all
}
