package naming

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/websocket"
)

func TestAWatchByWebsocketTellsEventsByTheSecondName(t *testing.T) {
	event := func(version string, size int) string {
		return fmt.Sprintf(`{"type":"ADDED","object":{"kind":"Deployment","apiVersion":%q,"x":%q}}`, version, strings.Repeat("x", size))
	}
	sizes := []int{0, 50, 60, 100, 65400, 65500, 70000} // on both sides of where the length of a frame is told otherwise
	server := httptest.NewServer(Door(websocket.Handler(func(ws *websocket.Conn) {
		if path := ws.Request().URL.Path; path != "/apis/apps/v1/deployments" {
			t.Errorf("it is asked for %s", path)
		}
		for _, size := range sizes {
			if err := websocket.Message.Send(ws, event("apps/v1", size)); err != nil {
				t.Error(err)
			}
		}
		if err := websocket.Message.Send(ws, []byte(event("apps/v1", 1))); err != nil { // in a frame of bytes
			t.Error(err)
		}
		var last string
		if err := websocket.Message.Receive(ws, &last); err != nil || last != "from the client" {
			t.Errorf("the client said %q (%v)", last, err)
		}
	})))
	defer server.Close()
	ws, err := websocket.Dial(strings.Replace(server.URL, "http", "ws", 1)+"/apis/apps.orrery.dev/v1/deployments?watch=true", "", server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range append(sizes, 1) {
		var got string
		if err := websocket.Message.Receive(ws, &got); err != nil || got != event("apps.orrery.dev/v1", size) {
			t.Fatalf("received %d bytes, %.80s (%v)", len(got), got, err)
		}
	}
	if err := websocket.Message.Send(ws, "from the client"); err != nil {
		t.Error(err)
	}
	var more string
	if err := websocket.Message.Receive(ws, &more); err == nil {
		t.Errorf("received %q after the end", more)
	}
}

func TestAHandshakeThatIsRefusedPasses(t *testing.T) {
	server := httptest.NewServer(Door(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })))
	defer server.Close()
	_, err := websocket.Dial(strings.Replace(server.URL, "http", "ws", 1)+"/apis/apps.orrery.dev/v1/deployments?watch=true", "", server.URL)
	if err == nil || !strings.Contains(err.Error(), "bad status") {
		t.Errorf("got %v, want the refusal", err)
	}
}

// What stands in a frame that is no event of ours, or in pieces of one, passes as it is.
func TestOtherFramesPass(t *testing.T) {
	for _, test := range []struct{ name, frame string }{
		{"a pong", "\x8a\x02hi"},
		{"the end", "\x88\x02\x03\xe8"},
		{"a part of a message", "\x01\x16" + `{"apiVersion":"apps/v1`},
		{"one that is masked", "\x81\x82\x00\x00\x00\x00hi"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var wire recordedConn
			f := &frames{Conn: &wire, kind: kindOf(t, "Deployment"), upgraded: true}
			for i := range len(test.frame) {
				if _, err := f.Write([]byte{test.frame[i]}); err != nil {
					t.Fatal(err)
				}
			}
			if string(wire.said) != test.frame {
				t.Errorf("%q became %q", test.frame, wire.said)
			}
		})
	}
}

// recordedConn is a connection of which only what is written matters.
type recordedConn struct {
	net.Conn
	said []byte
}

func (c *recordedConn) Write(data []byte) (int, error) {
	c.said = append(c.said, data...)
	return len(data), nil
}
