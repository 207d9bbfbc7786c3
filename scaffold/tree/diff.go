package tree

import (
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// Diff is the changes as `diff -u` writes them, which `patch -p1` and `git apply` read.
func (c Changes) Diff() string {
	var text strings.Builder
	for _, d := range c {
		text.WriteString(d.diff())
	}
	return text.String()
}

func (d Difference) diff() string {
	from, to := "a/"+d.Path, "b/"+d.Path
	if d.Before == nil {
		from = "/dev/null"
	}
	if d.After == nil {
		to = "/dev/null"
	}
	// The only error would be that of a writer, and it is a buffer.
	text, _ := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: lines(d.Before.text()), B: lines(d.After.text()),
		FromFile: from, ToFile: to, Context: 3,
	})
	if text == "" { // an empty file, or other permissions
		return "--- " + from + "\n+++ " + to + "\n"
	}
	return text
}

func (f *File) text() string {
	if f == nil {
		return ""
	}
	return f.Content
}

// lines are the lines of a text, each with its end.
func lines(text string) []string {
	all := strings.SplitAfter(text, "\n")
	if last := len(all) - 1; all[last] == "" {
		return all[:last]
	} else if last >= 0 {
		all[last] += "\n\\ No newline at end of file\n"
	}
	return all
}
