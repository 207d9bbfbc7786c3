package scheduler_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/scheduler"
)

// proxy stands between a scheduler and the API server, and lets a test do something to its bindings.
type proxy struct {
	mutex sync.Mutex
	// binding handles the binding of a pod; pass forwards it. Nil means pass.
	binding func(pod string, w http.ResponseWriter, pass func(http.ResponseWriter))
	tried   map[string]int
}

// through makes a plane's scheduler reach the API server through the proxy.
func (p *proxy) through(t *testing.T) func(*scheduler.Options) []scheduler.Option {
	return func(o *scheduler.Options) []scheduler.Option {
		transport, err := rest.TransportFor(o.Config)
		if err != nil {
			t.Fatal(err)
		}
		target, err := url.Parse(o.Config.Host)
		if err != nil {
			t.Fatal(err)
		}
		forward := httputil.NewSingleHostReverseProxy(target)
		forward.Transport, forward.FlushInterval = transport, -1
		// A watch that ends with its client is no error.
		forward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
		ctx, cancel := context.WithCancel(context.Background())
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r = r.WithContext(ctxOf(ctx, r.Context()))
			if pod, ok := bindingOf(r); ok {
				p.bind(pod, w, func(w http.ResponseWriter) { forward.ServeHTTP(w, r) })
				return
			}
			forward.ServeHTTP(w, r)
		}))
		t.Cleanup(func() {
			cancel()
			server.CloseClientConnections()
			server.Close()
		})
		o.Config = &rest.Config{Host: server.URL}
		return nil
	}
}

// ctxOf ends with either of two contexts.
func ctxOf(ends, values context.Context) context.Context {
	ctx, cancel := context.WithCancel(values)
	context.AfterFunc(ends, cancel)
	return ctx
}

func (p *proxy) bind(pod string, w http.ResponseWriter, pass func(http.ResponseWriter)) {
	p.mutex.Lock()
	if p.binding == nil {
		p.mutex.Unlock()
		pass(w)
		return
	}
	p.tried[pod]++
	handle := p.binding
	p.mutex.Unlock()
	handle(pod, w, pass)
}

// set chooses what is done to bindings from now on.
func (p *proxy) set(binding func(pod string, w http.ResponseWriter, pass func(http.ResponseWriter))) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.binding, p.tried = binding, map[string]int{}
}

func (p *proxy) tries(pod string) int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.tried[pod]
}

// hold keeps the first binding of a pod back until release is called or the test ends: a test that fails meanwhile must
// not wait for a request that waits for the test. wait returns once the binding has come.
func (p *proxy) hold(t *testing.T, pod string) (wait, release func()) {
	t.Helper()
	held, let := make(chan struct{}), make(chan struct{})
	release = sync.OnceFunc(func() { close(let) })
	t.Cleanup(release)
	p.set(func(bound string, w http.ResponseWriter, pass func(http.ResponseWriter)) {
		if bound == pod && p.tries(bound) == 1 {
			close(held)
			<-let
		}
		pass(w)
	})
	wait = func() {
		t.Helper()
		select {
		case <-held:
		case <-time.After(patience):
			t.Fatalf("not within %s: a binding of pod %s", patience, pod)
		}
	}
	return wait, release
}

// bindingOf returns the pod that a request binds, under either naming.
func bindingOf(r *http.Request) (string, bool) {
	parts := strings.Split(r.URL.Path, "/")
	last := parts[len(parts)-1]
	switch {
	case r.Method == http.MethodPost && last == "binding":
		return parts[len(parts)-2], true
	case r.Method == http.MethodPatch && len(parts) > 1 && parts[len(parts)-2] == "pods":
		return last, true
	}
	return "", false
}

// answer is a Status with a code.
func answer(w http.ResponseWriter, code int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"by the proxy","reason":"` + reason + `","code":` + strconv.Itoa(code) + `}`))
}
