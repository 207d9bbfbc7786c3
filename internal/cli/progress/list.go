package progress

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/orrery-dev/orrery/internal/cli/instance"
)

// frame is how often the list is drawn while something moves.
const frame = 100 * time.Millisecond

// planets go round while a component starts.
var planets = []string{"◐", "◓", "◑", "◒"}

var (
	good  = lipgloss.NewStyle().Foreground(lipgloss.Green)
	bad   = lipgloss.NewStyle().Foreground(lipgloss.Red)
	faint = lipgloss.NewStyle().Faint(true)
)

// list is the live picture: its lines in the order in which components were first heard of.
type list struct {
	lines []line
	now   time.Time
}

type line struct {
	instance.Component
	begun time.Time
}

type tick time.Time

func newList() list { return list{now: time.Now()} }

func (l list) Init() tea.Cmd { return next() }

func next() tea.Cmd {
	return tea.Tick(frame, func(t time.Time) tea.Msg { return tick(t) })
}

func (l list) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tick:
		l.now = time.Time(msg)
		return l, next()
	case instance.Component:
		return l.with(msg), nil
	}
	return l, nil
}

func (l list) with(c instance.Component) list {
	for i := range l.lines {
		if l.lines[i].Name == c.Name {
			if c.State == instance.Starting {
				l.lines[i].begun = c.Since
			}
			l.lines[i].Component = c
			return l
		}
	}
	l.lines = append(l.lines, line{Component: c, begun: c.Since})
	return l
}

func (l list) View() tea.View {
	var b strings.Builder
	for _, line := range l.lines {
		b.WriteString(line.draw(l.now))
		b.WriteByte('\n')
	}
	return tea.NewView(b.String())
}

func (l line) draw(now time.Time) string {
	mark, more, until := faint.Render("·"), "", now
	switch l.State {
	case instance.Starting:
		mark = planets[int(now.Sub(l.begun)/frame)%len(planets)]
	case instance.Running:
		mark, more, until = good.Render("●"), l.Detail, l.Since
	case instance.Failed:
		mark, more, until = bad.Render("✗"), l.LastError, l.Since
	case instance.Waiting, instance.Stopped:
		return fmt.Sprintf(" %s %s", mark, faint.Render(l.Name))
	}
	return fmt.Sprintf(" %s %-14s %6s  %s", mark, l.Name, took(l.begun, until), faint.Render(more))
}
