package liveview

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
)

// On reports that a live picture can be shown on out: that it is a terminal which can draw.
func On(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(file.Fd()) && os.Getenv("TERM") != "dumb"
}

// Show shows what picture returns, and asks for it anew every so often, until somebody ends it. picture is told how wide the
// terminal is, and should not take much longer than a pace.
func Show(ctx context.Context, out *os.File, every time.Duration, picture func(ctx context.Context, width int) string) error {
	_, err := tea.NewProgram(view{ctx: ctx, every: every, picture: picture}, tea.WithOutput(out), tea.WithContext(ctx)).Run()
	if errors.Is(err, tea.ErrInterrupted) || ctx.Err() != nil {
		err = nil // somebody has seen enough
	}
	return err
}

type view struct {
	ctx           context.Context
	every         time.Duration
	picture       func(ctx context.Context, width int) string
	width, height int
	shown         string
	begun         bool
}

type (
	drawn string
	tick  struct{}
)

// Init waits for the size of the terminal: the first picture follows from it.
func (v view) Init() tea.Cmd { return nil }

func (v view) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		v.width, v.height = msg.Width, msg.Height
		if v.begun {
			return v, nil // the next picture will fit
		}
		v.begun = true
		return v, v.draw()
	case tick:
		return v, v.draw()
	case drawn:
		v.shown = string(msg)
		return v, tea.Tick(v.every, func(time.Time) tea.Msg { return tick{} })
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "esc", "ctrl+c":
			return v, tea.Quit
		}
	}
	return v, nil
}

// draw asks for the picture, beside what the view does.
func (v view) draw() tea.Cmd {
	return func() tea.Msg { return drawn(v.picture(v.ctx, v.width)) }
}

func (v view) View() tea.View { return tea.NewView(v.fitted()) }

// fitted is as much of the picture as the terminal holds: its beginning.
func (v view) fitted() string {
	lines := strings.Split(strings.TrimRight(v.shown, "\n"), "\n")
	if v.height > 1 && len(lines) >= v.height {
		lines = append(lines[:v.height-2:v.height-2], "…")
	}
	for i := range lines {
		lines[i] = ansi.Truncate(lines[i], max(v.width, 1), "…")
	}
	return strings.Join(lines, "\n") + "\n"
}
