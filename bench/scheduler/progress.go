package main

import (
	"fmt"
	"os"
	"time"

	"github.com/charmbracelet/x/term"
)

// progress says on stderr what is going on: on a terminal in one line that changes, elsewhere by a line a phase.
type progress struct {
	what     string
	terminal bool
	began    time.Time
	current  *string
}

func newProgress(what string) progress {
	return progress{what: what, terminal: term.IsTerminal(os.Stderr.Fd()), began: time.Now(), current: new(string)}
}

func (p progress) phase(name string) {
	*p.current = name
	if p.terminal {
		p.line(name)
		return
	}
	fmt.Fprintf(os.Stderr, "%s · %4.1f s · %s\n", p.what, time.Since(p.began).Seconds(), name)
}

func (p progress) count(done, all int) {
	if p.terminal {
		p.line(fmt.Sprintf("%s: %d of %d bound", *p.current, done, all))
	}
}

func (p progress) line(text string) {
	fmt.Fprintf(os.Stderr, "\r\033[K%s · %4.1f s · %s", p.what, time.Since(p.began).Seconds(), text)
}

func (p progress) end() {
	if p.terminal {
		fmt.Fprint(os.Stderr, "\r\033[K")
	}
}
