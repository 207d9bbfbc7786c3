package tree

import (
	"slices"
	"strings"
	"testing"
)

// text is lines of text.
func text(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

func TestUndo(t *testing.T) {
	before := text("resources:", "# more", "end")
	after := text("resources:", "- a.yaml", "# more", "end")
	for _, test := range []struct {
		name               string
		before, after, now string
		want               string
		left               []string
	}{
		{"takes out what was put in", before, after, after, before, nil},
		{
			"leaves what others put beside it", before, after,
			text("resources:", "- z.yaml", "- a.yaml", "- b.yaml", "# more", "end"),
			text("resources:", "- z.yaml", "- b.yaml", "# more", "end"), nil,
		},
		{
			"puts back what was taken away", text("a", "#- webhook", "b"), text("a", "- webhook", "b"),
			text("a", "- webhook", "b", "c"), text("a", "#- webhook", "b", "c"), nil,
		},
		{
			"does not mind another indentation", text("a", "x", "b"), text("a", "new", "x", "b"),
			text("a", "\tnew", "\tx", "b"), text("a", "\tx", "b"), nil,
		},
		{
			"leaves and names what was edited", before, after,
			text("resources:", "- a.yml", "# more", "end"),
			text("resources:", "- a.yml", "# more", "end"), []string{"- a.yaml\n"},
		},
		{
			"takes the one of several that stands where it was put", text("one", "}", "two", "}"), text("one", "}", "x", "}", "two", "}"),
			text("one", "}", "x", "}", "two", "}"), text("one", "}", "two", "}"), nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, left := Undo(test.before, test.after, test.now)
			if got != test.want {
				t.Errorf("what is left is\n%s\nwant\n%s", got, test.want)
			}
			if !slices.Equal(left, test.left) {
				t.Errorf("left are %q, want %q", left, test.left)
			}
		})
	}
}
