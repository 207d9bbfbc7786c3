package printer

import (
	"fmt"
	"io"
	"os"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
)

// between is what stands between columns.
const between = "   "

// narrowest is how short a column that yields may become.
const narrowest = 10

// Column is a column of a table.
type Column struct {
	// Name is its heading, in capitals.
	Name string
	// Yields lets it be cut short where the terminal is too narrow: for sentences, not for names that somebody copies.
	Yields bool
	// WideOnly leaves it out of all but the wide table.
	WideOnly bool
}

// Table is what people see of a list.
type Table struct {
	Columns []Column
	// Rows have a cell for each column. Cells may be coloured.
	Rows [][]string
}

// Fit returns the lines of the table, none of which is wider than width if that can be; 0 is as wide as it gets.
func (t Table) Fit(wide bool, width int) []string {
	shown := t.shown(wide)
	lines := make([][]string, 0, len(t.Rows)+1)
	headings := make([]string, len(shown))
	for i, c := range shown {
		headings[i] = t.Columns[c].Name
	}
	lines = append(lines, headings)
	for _, row := range t.Rows {
		cells := make([]string, len(shown))
		for i, c := range shown {
			cells[i] = oneLine(row[c])
		}
		lines = append(lines, cells)
	}
	widths := t.widths(shown, lines, width)
	text := make([]string, len(lines))
	for i, cells := range lines {
		for n, cell := range cells {
			cell = ansi.Truncate(cell, widths[n], "…")
			cells[n] = cell + strings.Repeat(" ", widths[n]-lipgloss.Width(cell))
		}
		text[i] = strings.TrimRight(strings.Join(cells, between), " ")
	}
	return text
}

func (t Table) shown(wide bool) []int {
	var shown []int
	for i, c := range t.Columns {
		if wide || !c.WideOnly {
			shown = append(shown, i)
		}
	}
	return shown
}

// widths are those of the columns: of their longest cells, and where that is more than there is room for, less for those that
// yield, the longest first.
func (t Table) widths(shown []int, lines [][]string, room int) []int {
	widths := make([]int, len(shown))
	total := len(between) * (len(shown) - 1)
	for n := range shown {
		for _, cells := range lines {
			widths[n] = max(widths[n], lipgloss.Width(cells[n]))
		}
		total += widths[n]
	}
	for room > 0 && total > room {
		longest := -1
		for n, c := range shown {
			if t.Columns[c].Yields && widths[n] > narrowest && (longest < 0 || widths[n] > widths[longest]) {
				longest = n
			}
		}
		if longest < 0 {
			break
		}
		widths[longest]--
		total--
	}
	return widths
}

func (t Table) print(out io.Writer, wide bool, width int) error {
	for _, line := range t.Fit(wide, width) {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

// oneLine is what of a cell is shown. Blanks at its beginning are meant.
func oneLine(cell string) string {
	cell = strings.TrimRight(cell, " \t\r\n")
	if first, more, cut := strings.Cut(cell, "\n"); cut && more != "" {
		cell = first + " …"
	}
	if cell == "" {
		return "-"
	}
	return strings.ReplaceAll(cell, "\t", " ")
}

// Width is how wide a terminal is; 0 where out is none.
func Width(out io.Writer) int {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(file.Fd()) {
		return 0
	}
	width, _, err := term.GetSize(file.Fd())
	if err != nil {
		return 0
	}
	return width
}

// Colourer colours text for a terminal, and leaves it as it is for anything else, or where NO_COLOR asks for that.
func Colourer(out io.Writer) func(lipgloss.Style, string) string {
	if Width(out) == 0 || os.Getenv("TERM") == "dumb" || os.Getenv("NO_COLOR") != "" {
		return func(_ lipgloss.Style, text string) string { return text }
	}
	return func(style lipgloss.Style, text string) string { return style.Render(text) }
}
