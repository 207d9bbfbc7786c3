package plugins

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestASocketWithALongPathIsReached(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir) // by which the path is short enough to listen
	listener, err := net.Listen("unix", "p.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	connection, err := open(t.Context(), filepath.Join(dir, "p.sock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := connection.Close(); err != nil {
		t.Error(err)
	}
}
