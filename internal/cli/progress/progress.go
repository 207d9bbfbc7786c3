package progress

import (
	"fmt"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"
	"github.com/orrery-dev/orrery/internal/cli/instance"
)

// View shows how components come up.
type View interface {
	// Show shows a component as it has become.
	Show(instance.Component)
	// Close ends the view, and leaves what it shows on the screen.
	Close()
}

// New is a view on out: live where out is a terminal, plain lines anywhere else.
func New(out io.Writer) View {
	if file, ok := out.(*os.File); ok && term.IsTerminal(file.Fd()) && os.Getenv("TERM") != "dumb" {
		return newLive(file)
	}
	return &plain{out: out, begun: map[string]time.Time{}}
}

// plain writes a line for each component that has come up or failed.
type plain struct {
	out   io.Writer
	begun map[string]time.Time
}

func (p *plain) Show(c instance.Component) {
	switch c.State {
	case instance.Starting:
		p.begun[c.Name] = c.Since
	case instance.Running:
		p.line(c, "is up", c.Detail)
	case instance.Failed:
		p.line(c, "failed", c.LastError)
	}
}

func (p *plain) line(c instance.Component, what, more string) {
	if more != "" {
		more = ": " + more
	}
	// Progress that cannot be written is no reason to stop what it is about.
	_, _ = fmt.Fprintf(p.out, "%s %s after %s%s\n", c.Name, what, took(p.begun[c.Name], c.Since), more)
}

func (p *plain) Close() {}

// live is a list on a terminal that changes in place.
type live struct {
	program *tea.Program
	done    chan struct{}
}

func newLive(out *os.File) *live {
	// Input stays with the shell, and so does Ctrl-C: it ends the program, not the picture.
	program := tea.NewProgram(newList(), tea.WithOutput(out), tea.WithInput(nil), tea.WithoutSignalHandler())
	l := &live{program: program, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		_, _ = program.Run() // a terminal that went away needs no picture
	}()
	return l
}

func (l *live) Show(c instance.Component) { l.program.Send(c) }

func (l *live) Close() {
	l.program.Quit()
	<-l.done
}

// took is a duration for people: tenths of a second. The two moments may come from different processes, and a clock may be set:
// what ended before it began took no time.
func took(from, to time.Time) string {
	return fmt.Sprintf("%.1fs", max(0, to.Sub(from)).Seconds())
}
