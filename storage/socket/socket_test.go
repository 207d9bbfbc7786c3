//go:build linux

package socket

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestASocketWithALongPathIsReached(t *testing.T) {
	for _, name := range []string{"short", strings.Repeat("long", 50)} {
		path := filepath.Join(t.TempDir(), name, "csi.sock")
		if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", Path(path))
		if err != nil {
			t.Fatal(err)
		}
		connection, err := new(net.Dialer).DialContext(t.Context(), "unix", Path(path))
		if err != nil {
			t.Errorf("dialing: %v", err)
		} else if err := connection.Close(); err != nil {
			t.Error(err)
		}
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
	}
}
