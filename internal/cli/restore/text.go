package restore

import (
	"fmt"
	"strings"
)

// Text is the plan for people: a line for each object.
func (p Plan) Text() string {
	var text strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintln(&text, s)
	}
	if len(p.Steps) == 0 {
		fmt.Fprintln(&text, "nothing to do")
	}
	return text.String() + p.Rest.Text(true)
}

// Text is what nothing is done with, for people. What is left out is counted only, unless all is true.
func (r Rest) Text(all bool) string {
	var text strings.Builder
	section(&text, "there already, and left as it is", r.Existing)
	if all {
		section(&text, "left out", r.Omitted)
	} else if len(r.Omitted) > 0 {
		fmt.Fprintf(&text, "\nleft out: %d, which --dry-run lists\n", len(r.Omitted))
	}
	section(&text, "cannot be restored", r.Blocked)
	section(&text, "to be seen to", r.Needs)
	return text.String()
}

func section(text *strings.Builder, title string, entries []Entry) {
	if len(entries) == 0 {
		return
	}
	fmt.Fprintf(text, "\n%s:\n", title)
	for _, e := range entries {
		fmt.Fprintf(text, "  %s: %s\n", e.Object(), e.Why)
	}
}
