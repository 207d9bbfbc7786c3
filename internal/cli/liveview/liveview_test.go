package liveview

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// drawnAt is what a view shows on a terminal of a size.
func drawnAt(t *testing.T, width, height int, picture string) string {
	t.Helper()
	v := view{ctx: t.Context(), every: time.Hour, picture: func(context.Context, int) string { return picture }}
	sized, draw := v.Update(tea.WindowSizeMsg{Width: width, Height: height})
	if draw == nil {
		t.Fatal("nothing is drawn once the size is known")
	}
	shown, next := sized.Update(draw())
	if next == nil {
		t.Fatal("no further picture is asked for")
	}
	return shown.(view).fitted()
}

func TestAPictureFitsTheTerminal(t *testing.T) {
	for name, c := range map[string]struct {
		width, height int
		picture, want string
	}{
		"one that fits":     {20, 10, "a\nb\n", "a\nb\n"},
		"one that is wide":  {5, 10, "a long line\nb", "a lo…\nb\n"},
		"one that is high":  {20, 4, "a\nb\nc\nd\ne", "a\nb\n…\n"},
		"one with no lines": {20, 10, "", "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := drawnAt(t, c.width, c.height, c.picture); got != c.want {
				t.Errorf("shows %q, want %q", got, c.want)
			}
		})
	}
}

func TestThePictureKnowsHowWideItMayBe(t *testing.T) {
	v := view{ctx: t.Context(), every: time.Hour, picture: func(_ context.Context, width int) string { return strings.Repeat("x", width) }}
	_, draw := v.Update(tea.WindowSizeMsg{Width: 7, Height: 3})
	if got := draw(); got != drawn("xxxxxxx") {
		t.Errorf("drew %v, want seven letters", got)
	}
}

func TestAKeyEndsIt(t *testing.T) {
	for _, key := range []tea.KeyPressMsg{{Code: 'q', Text: "q"}, {Code: tea.KeyEscape}, {Code: 'c', Mod: tea.ModCtrl}} {
		if _, end := (view{}).Update(key); end == nil {
			t.Errorf("%s does not end it", key)
		} else if _, quits := end().(tea.QuitMsg); !quits {
			t.Errorf("%s does not end it", key)
		}
	}
	if _, end := (view{}).Update(tea.KeyPressMsg{Code: 'x', Text: "x"}); end != nil {
		t.Error("x ends it")
	}
}

func TestAPipeIsNoTerminal(t *testing.T) {
	if On(&bytes.Buffer{}) {
		t.Error("a buffer is taken for a terminal")
	}
}
