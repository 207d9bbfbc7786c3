package events

import (
	"fmt"
	"io"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/orrery-dev/orrery/internal/cli/printer"
)

// The widths of what stands before the sentence: at first, and at most. They grow with what is told, so that sentences stand
// below each other most of the time.
const (
	leastWho, mostWho       = 10, 32
	leastObject, mostObject = 20, 48
)

// Printer writes events, a line each.
type Printer struct {
	out         io.Writer
	format      printer.Format
	ink         func(lipgloss.Style, string) string
	width       int
	who, object int
}

// NewPrinter returns one that writes to out: for people lines that end at the edge of the terminal, or whole and with the date in
// the wide format; for programs a line of JSON or a document of YAML each.
func NewPrinter(out io.Writer, format printer.Format) *Printer {
	return &Printer{out: out, format: format, ink: printer.Colourer(out), width: printer.Width(out), who: leastWho, object: leastObject}
}

var (
	faint = lipgloss.NewStyle().Faint(true)
	loud  = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
)

// Print writes an event.
func (p *Printer) Print(e Event) error {
	if p.format.ForPrograms() {
		return printer.One(p.out, p.format, e)
	}
	at := e.At.Local().Format(time.TimeOnly)
	if p.format == printer.Wide {
		at = e.At.Local().Format("2006-01-02 15:04:05.000")
	}
	object := e.Object.String()
	if object == "" {
		object = "-"
	}
	p.who, p.object = grown(p.who, e.Who, mostWho), grown(p.object, object, mostObject)
	says := e.Says
	if e.Warning {
		says = p.ink(loud, says)
	}
	line := fmt.Sprintf("%s  %s  %s  %s", p.ink(faint, at), padded(e.Who, p.who), padded(object, p.object), says)
	if p.width > 0 && p.format != printer.Wide {
		line = ansi.Truncate(line, p.width, "…")
	}
	_, err := fmt.Fprintln(p.out, strings.TrimRight(line, " "))
	return err
}

func grown(width int, text string, most int) int { return max(width, min(len(text), most)) }

func padded(text string, width int) string { return fmt.Sprintf("%-*s", width, text) }
