package process

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestAnErrorEndsWithWhatWasSaidLast(t *testing.T) {
	err := Command{Args: []string{"sh", "-c", "for i in $(seq 30); do echo line $i; done; exit 3"}}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.HasSuffix(err.Error(), "line 30") || strings.Contains(err.Error(), "line 5\n") {
		t.Errorf("got %v, want the status and the last 20 lines", err)
	}
}

func TestOutputThatIsTakenIsNotInTheError(t *testing.T) {
	var b bytes.Buffer
	err := Command{Args: []string{"sh", "-c", "echo hello; exit 1"}, Output: &b}.Run(t.Context())
	if err == nil || strings.Contains(err.Error(), "hello") || b.String() != "hello\n" {
		t.Errorf("the error is %v, the output %q", err, b.String())
	}
}

func TestWhenTheContextEndsAProgramIsInterruptedWithItsChildren(t *testing.T) {
	for _, c := range []struct{ name, script string }{
		{"and may clean up", `trap 'echo cleaned; exit 0' INT; echo started; while :; do sleep 0.05; done`},
		{"and is killed if it does not listen", `trap '' INT; echo started; sleep 1000`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			read, write := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				ended <- Command{Args: []string{"sh", "-c", c.script}, Output: write, Patience: time.Second}.Run(ctx)
				_ = write.Close() // a pipe's never fails
			}()
			started := make([]byte, len("started\n"))
			if _, err := io.ReadFull(read, started); err != nil {
				t.Fatal(err)
			}
			cancel()
			rest, err := io.ReadAll(read)
			if err != nil {
				t.Fatal(err)
			}
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v, want that of the context", err)
			}
			if cleaned := strings.Contains(string(rest), "cleaned"); cleaned != strings.Contains(c.script, "cleaned") {
				t.Errorf("it said %q at its end", rest)
			}
		})
	}
}
