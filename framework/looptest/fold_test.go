package looptest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// at are lines of a story, one a second.
func at(begin int, texts ...string) []string {
	lines := make([]string, len(texts))
	for i, text := range texts {
		lines[i] = fmt.Sprintf("%9s  %s", fmt.Sprintf("%ds", begin+i), text)
	}
	return lines
}

func TestWhatRepeatsItselfIsToldOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		story []string
		want  []string
	}{
		{"nothing", nil, nil},
		{"what does not repeat itself stays", at(0, "a", "b", "c"), at(0, "a", "b", "c")},
		{"twice is not often", at(0, "a", "b", "b", "c"), at(0, "a", "b", "b", "c")},
		{
			"a line that goes on",
			at(0, "a", "b", "b", "b", "b", "c"),
			slices.Concat(at(0, "a", "b"), at(4, "... and so on, 3 times more"), at(5, "c")),
		},
		{
			"several lines that go on, with other numbers",
			at(0, "a", "patch 1", "ends 2", "patch 3", "ends 4", "patch 51", "ends 6", "HERE"),
			slices.Concat(at(0, "a", "patch 1", "ends 2"), at(6, "... and so on, 2 times more"), at(7, "HERE")),
		},
		{
			"the shortest of what repeats itself",
			at(0, "a", "a", "a", "a", "a", "a", "a", "a"),
			slices.Concat(at(0, "a"), at(7, "... and so on, 7 times more")),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := withoutRefrains(tt.story); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestFold(t *testing.T) {
	different := strings.Split("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "")
	for _, tt := range []struct {
		name  string
		story []string
		want  []string
	}{
		{"a short story stays as it is", at(0, "a", "a", "a", "a"), at(0, "a", "a", "a", "a")},
		{
			"a long one is told without what repeats itself",
			at(0, slices.Repeat([]string{"a", "b"}, 50)...),
			slices.Concat(at(0, "a", "b"), at(99, "... and so on, 49 times more")),
		},
		{
			"and where nothing does, without its middle",
			at(0, different...),
			slices.Concat(at(0, different[:30]...), at(36, "... 7 lines are left out"), at(37, different[37:]...)),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fold(tt.story); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}
