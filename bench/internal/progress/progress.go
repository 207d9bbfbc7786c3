// Package progress says on stderr what a benchmark is doing: on a terminal in one line that changes, elsewhere by a line a phase.
package progress

import (
	"fmt"
	"os"
	"time"

	"github.com/charmbracelet/x/term"
)

// Progress is that of one run.
type Progress struct {
	what     string
	terminal bool
	began    time.Time
	current  string
}

// New begins to tell of a run.
func New(what string) *Progress {
	return &Progress{what: what, terminal: term.IsTerminal(os.Stderr.Fd()), began: time.Now()}
}

// Phase begins a phase.
func (p *Progress) Phase(name string) {
	p.current = name
	if p.terminal {
		p.line(name)
		return
	}
	fmt.Fprintf(os.Stderr, "%s · %5.1f s · %s\n", p.what, time.Since(p.began).Seconds(), name)
}

// Detail says on a terminal how far the phase is.
func (p *Progress) Detail(text string) {
	if p.terminal {
		p.line(p.current + ": " + text)
	}
}

// End ends the line.
func (p *Progress) End() {
	if p.terminal {
		fmt.Fprint(os.Stderr, "\r\033[K")
	}
}

func (p *Progress) line(text string) {
	fmt.Fprintf(os.Stderr, "\r\033[K%s · %5.1f s · %s", p.what, time.Since(p.began).Seconds(), text)
}
