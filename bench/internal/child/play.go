package child

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

// command is the hidden first argument of a program that is started in a role, which is the second.
const command = "child"

// Role is the role that this process was started in; empty if it is nobody's child.
func Role() string {
	if len(os.Args) == 3 && os.Args[1] == command {
		return os.Args[2]
	}
	return ""
}

// Part is what a child does: it works until ctx ends, and calls ready once, with what the parent is to know.
type Part[O, R any] func(ctx context.Context, order O, ready func(R) error) error

// Play is the whole life of a child.
func Play[O, R any](part Part[O, R]) error {
	input := bufio.NewReader(os.Stdin)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("reading the order of %s: %w", Role(), err)
	}
	var order O
	if err := json.Unmarshal(line, &order); err != nil {
		return fmt.Errorf("reading the order of %s: %w", Role(), err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, input) // it ends with the parent, whatever the error
	}()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening for debugging: %w", err)
	}
	go func() { _ = http.Serve(listener, debugging()) }() //nolint:gosec // on loopback, for the parent alone
	return part(ctx, order, func(reply R) error {
		return json.NewEncoder(os.Stdout).Encode(answer[R]{"http://" + listener.Addr().String(), reply})
	})
}

// answer is the first line of a child's output.
type answer[R any] struct {
	Debug string // where it can be looked into
	Reply R
}
