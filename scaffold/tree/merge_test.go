package tree

import "testing"

func TestMerge(t *testing.T) {
	base := text("one", "two", "three", "four", "five")
	for _, test := range []struct {
		name               string
		ours, base, theirs string
		want               string
		conflicts          bool
	}{
		{"takes what only they have changed", base, base, text("one", "two", "three", "four", "V"), text("one", "two", "three", "four", "V"), false},
		{"keeps what only we have changed", text("I", "two", "three", "four", "five"), base, base, text("I", "two", "three", "four", "five"), false},
		{
			"has both where they are in different places", text("I", "two", "three", "four", "five"), base, text("one", "two", "three", "four", "V"),
			text("I", "two", "three", "four", "V"), false,
		},
		{"takes one change that both have made once", text("I", "two"), text("one", "two"), text("I", "two"), text("I", "two"), false},
		{
			"marks what both have changed differently", text("I"), text("one"), text("1"),
			text("<<<<<<< yours", "I", "||||||| was", "one", "=======", "1", ">>>>>>> new"), true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, conflicts, err := Merge(test.ours, test.base, test.theirs, Labels{"yours", "was", "new"})
			if err != nil || got != test.want || conflicts != test.conflicts {
				t.Errorf("got %q, conflicts is %t (%v), want %q, %t", got, conflicts, err, test.want, test.conflicts)
			}
		})
	}
}

func TestMergeSaysThatItNeedsGit(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, _, err := Merge("a", "b", "c", Labels{}); err == nil || err.Error() != "git merges what was edited, and there is none: install git" {
		t.Errorf("got %v, want what is missing", err)
	}
}
