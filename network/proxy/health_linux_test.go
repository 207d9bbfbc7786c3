package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestHealthCheckNodePortsAnswerAsKubeProxys(t *testing.T) {
	h := healthPorts{ports: map[int32]*healthPort{}}
	t.Cleanup(func() { _ = h.close() })
	number := freePort(t)
	web := types.NamespacedName{Namespace: "default", Name: "web"}
	for endpoints, code := range map[int]int{2: http.StatusOK, 0: http.StatusServiceUnavailable} {
		if err := h.tell(t.Context(), number, health{web, endpoints}); err != nil {
			t.Fatal(err)
		}
		answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/healthz", number))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close() // it was read
		want := fmt.Sprintf(`{"service":{"namespace":"default","name":"web"},"localEndpoints":%d,"serviceProxyHealthy":true}`, endpoints)
		if err != nil || answer.StatusCode != code || strings.TrimSpace(string(body)) != want ||
			answer.Header.Get("X-Load-Balancing-Endpoint-Weight") != fmt.Sprint(endpoints) {
			t.Errorf("with %d endpoints it answers %s: %s %v (%v)", endpoints, answer.Status, body, answer.Header, err)
		}
	}
	if err := h.hush(number); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", number)); err == nil {
		t.Error("it still listens")
	}
}

func freePort(t *testing.T) int32 {
	t.Helper()
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }() // its number is all that we want
	return int32(listener.Addr().(*net.TCPAddr).Port)
}
