package agent

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/websocket"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"

	"github.com/orrery-dev/orrery/internal/await"
)

// protocol is one of the two by which clients talk to containers.
type protocol struct {
	executor func(*rest.Config, *url.URL) (remotecommand.Executor, error)
	dialer   func(*rest.Config, *url.URL) (httpstream.Dialer, error)
}

var protocols = map[string]protocol{
	"SPDY": {
		func(config *rest.Config, at *url.URL) (remotecommand.Executor, error) {
			return remotecommand.NewSPDYExecutor(config, http.MethodPost, at)
		},
		func(config *rest.Config, at *url.URL) (httpstream.Dialer, error) {
			transport, upgrader, err := spdy.RoundTripperFor(config)
			return spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, at), err
		},
	},
	"WebSocket": {
		func(config *rest.Config, at *url.URL) (remotecommand.Executor, error) {
			return remotecommand.NewWebSocketExecutor(config, http.MethodGet, at.String())
		},
		func(config *rest.Config, at *url.URL) (httpstream.Dialer, error) {
			return portforward.NewSPDYOverWebsocketDialer(at, config)
		},
	},
}

// secondName talks to a container at the paths of the second name of its pod, by either protocol.
func (w *cluster) secondName(t *testing.T) {
	p := w.in(t)
	p.create("second", nil)
	pod := p.ready("second")
	serves := "http://" + pod.Status.PodIP + ":8080/"
	for name, by := range protocols {
		t.Run("exec by "+name, func(t *testing.T) { p.in(t).execs(by) })
		t.Run("attach by "+name, func(t *testing.T) { p.in(t).attaches(by, serves) })
		t.Run("port-forward by "+name, func(t *testing.T) { p.in(t).forwards(by) })
	}
	t.Run("a log that is followed", func(t *testing.T) {
		p := p.in(t)
		client, err := rest.HTTPClientFor(p.admin)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Get(p.bySecondName("second/log", "follow=true").String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		p.hears(response.Body, serves)
	})
	t.Run("a log that is followed by WebSocket", func(t *testing.T) {
		p := p.in(t)
		at := p.bySecondName("second/log", "follow=true")
		at.Scheme = "wss"
		config, err := websocket.NewConfig(at.String(), p.admin.Host)
		if err != nil {
			t.Fatal(err)
		}
		if config.TlsConfig, err = rest.TLSConfigFor(p.admin); err != nil {
			t.Fatal(err)
		}
		ws, err := websocket.DialConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = ws.Close() }()
		p.hears(ws, serves)
	})
	t.Run("proxy", func(t *testing.T) {
		client, err := rest.HTTPClientFor(p.admin)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Get(p.bySecondName("second:8080/proxy/env", "").String())
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if closing := response.Body.Close(); err != nil || closing != nil || !strings.Contains(string(body), "HOSTNAME=second") {
			t.Errorf("the pod answered %d, %q (%v, %v)", response.StatusCode, body, err, closing)
		}
	})
	p.remove("second")
}

// bySecondName is where the API has something of a pod by its second name.
func (w *cluster) bySecondName(what, query string) *url.URL {
	w.t.Helper()
	at, err := url.Parse(w.admin.Host + "/apis/core.orrery.dev/v1/namespaces/default/pods/" + what + "?" + query)
	if err != nil {
		w.t.Fatal(err)
	}
	return at
}

func (w *cluster) execs(by protocol) {
	w.t.Helper()
	executor, err := by.executor(w.admin, w.bySecondName("second/exec", "command=/web&command=cat&command=/etc/hostname&stdout=true&stderr=true"))
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	var out, problems bytes.Buffer
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out, Stderr: &problems})
	if err != nil || strings.TrimSpace(out.String()) != "second" {
		w.t.Errorf("exec printed %q and %q (%v)", &out, &problems, err)
	}
}

// attaches hears what the container says of a request.
func (w *cluster) attaches(by protocol, serves string) {
	w.t.Helper()
	executor, err := by.executor(w.admin, w.bySecondName("second/attach", "stdout=true&stderr=true"))
	if err != nil {
		w.t.Fatal(err)
	}
	said, saying := io.Pipe()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	ended := make(chan error, 1)
	go func() {
		err := executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: saying, Stderr: saying})
		ended <- err
		_ = saying.CloseWithError(fmt.Errorf("the stream ended: %w", err))
	}()
	w.hears(said, serves)
	cancel()
	_ = said.Close() // what is said from here on is not heard
	_ = <-ended      // as it was told to
}

// hears asks the server in the container for a page that nobody else asks for, until a stream of what it says tells of that.
func (w *cluster) hears(said io.Reader, serves string) {
	w.t.Helper()
	page := "heard-" + strings.Map(func(r rune) rune {
		if strings.ContainsRune(" /", r) {
			return '-'
		}
		return r
	}, w.t.Name())
	var mu sync.Mutex
	var heard strings.Builder
	go func() {
		for lines := bufio.NewScanner(said); lines.Scan(); {
			mu.Lock()
			heard.WriteString(lines.Text() + "\n")
			mu.Unlock()
		}
	}()
	await.Until(w.t, "the stream to tell of a request", func() (string, bool) {
		response, err := http.Get(serves + page)
		if err != nil {
			return err.Error(), false
		}
		_ = response.Body.Close()
		mu.Lock()
		defer mu.Unlock()
		return heard.String(), strings.Contains(heard.String(), page)
	})
}

func (w *cluster) forwards(by protocol) {
	w.t.Helper()
	dialer, err := by.dialer(w.admin, w.bySecondName("second/portforward", ""))
	if err != nil {
		w.t.Fatal(err)
	}
	stop, ready := make(chan struct{}), make(chan struct{})
	var problems bytes.Buffer
	forwarder, err := portforward.New(dialer, []string{"0:8080"}, stop, ready, io.Discard, &problems)
	if err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-ended:
		w.t.Fatal(err)
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/env", ports[0].Local))
	if err != nil {
		w.t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if closing := response.Body.Close(); err != nil || closing != nil || !strings.Contains(string(body), "HOSTNAME=second") {
		w.t.Errorf("through the forwarded port the pod answered %q (%v, %v)", body, err, closing)
	}
	close(stop)
	if err := <-ended; err != nil {
		w.t.Errorf("forwarding ended with %v, %s", err, &problems)
	}
}
