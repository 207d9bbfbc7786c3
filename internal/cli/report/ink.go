package report

import (
	"fmt"
	"io"
	"os"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/term"
)

var (
	good  = lipgloss.NewStyle().Foreground(lipgloss.Green)
	bad   = lipgloss.NewStyle().Foreground(lipgloss.Red)
	faint = lipgloss.NewStyle().Faint(true)
	bold  = lipgloss.NewStyle().Bold(true)
)

// ink writes lines, and remembers the first error.
type ink struct {
	out    io.Writer
	colour bool
	err    error
}

func newInk(out io.Writer) *ink {
	file, ok := out.(*os.File)
	colour := ok && term.IsTerminal(file.Fd()) && os.Getenv("TERM") != "dumb" && os.Getenv("NO_COLOR") == ""
	return &ink{out: out, colour: colour}
}

func (i *ink) in(style lipgloss.Style, text string) string {
	if !i.colour || text == "" {
		return text
	}
	return style.Render(text)
}

func (i *ink) line(format string, args ...any) {
	if i.err == nil {
		_, i.err = fmt.Fprintf(i.out, strings.TrimRight(format, " ")+"\n", args...)
	}
}

// column pads a text, before it is coloured.
func column(text string, width int) string { return fmt.Sprintf("%-*s", width, text) }

// few are the first of some names, and how many more there are.
func few(names []string, most int) string {
	if len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func count(number int, noun string) string {
	if number == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", number, noun)
}
