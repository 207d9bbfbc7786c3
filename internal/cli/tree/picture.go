package tree

import (
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/orrery-dev/orrery/internal/cli/printer"
)

var stateInks = map[string]lipgloss.Style{
	"Current": lipgloss.NewStyle().Foreground(lipgloss.Green),
	"Failed":  lipgloss.NewStyle().Foreground(lipgloss.Red),
	gone:      lipgloss.NewStyle().Foreground(lipgloss.Red),
}

// otherInk is that of a state in which something goes on.
var otherInk = lipgloss.NewStyle().Foreground(lipgloss.Yellow)

// Table is the tree as a table: a line an object, the owners above it and the dependents below. ink colours a text.
func (t *Tree) Table(now time.Time, ink func(lipgloss.Style, string) string) printer.Table {
	table := printer.Table{Columns: []printer.Column{
		{Name: "OBJECT"}, {Name: "STATUS"}, {Name: "AGE"}, {Name: "MESSAGE", Yields: true},
		{Name: "API VERSION", WideOnly: true}, {Name: "NAMESPACE", WideOnly: true}, {Name: "UID", WideOnly: true},
	}}
	line := func(indent string, n *Node) {
		age := ""
		if !n.Created.IsZero() {
			age = duration.HumanDuration(now.Sub(n.Created.Time))
		}
		style, known := stateInks[n.Status]
		if !known {
			style = otherInk
		}
		name := n.Kind + "/" + n.Name
		if n == t.Object {
			name = ink(lipgloss.NewStyle().Bold(true), name)
		}
		table.Rows = append(table.Rows, []string{
			indent + name, ink(style, n.Status), age, n.Message, n.APIVersion, n.Namespace, string(n.UID),
		})
	}
	indent := ""
	for _, owner := range t.Owners {
		line(indent, owner)
		indent = last(indent)
	}
	line(indent, t.Object)
	var dependents func(indent string, n *Node)
	dependents = func(indent string, n *Node) {
		for i, dependent := range n.Dependents {
			if i == len(n.Dependents)-1 {
				line(last(indent), dependent)
			} else {
				line(more(indent), dependent)
			}
			dependents(deeper(indent, i == len(n.Dependents)-1), dependent)
		}
	}
	dependents(stem(indent), t.Object)
	return table
}

// The branches of a picture. An indent ends in the branch to what stands beside it, and what is below begins under that.
const (
	lastBranch = "└─"
	branch     = "├─"
	trunk      = "│ "
	air        = "  "
)

func last(indent string) string { return stem(indent) + lastBranch }
func more(indent string) string { return indent + branch }

// stem is what stands before what is below a line: its indent, in which a last branch goes on as air.
func stem(indent string) string { return strings.ReplaceAll(indent, lastBranch, air) }

func deeper(indent string, isLast bool) string {
	if isLast {
		return indent + air
	}
	return indent + trunk
}
