package scenarios

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// faults are the chances, from 0 to 1, of what happens to a request.
type faults struct {
	// late answers take up to lateness longer.
	late     float64
	lateness time.Duration
	// conflict is the chance of 409 for a write, tooMany of 429, and broken of 500. Such a request has no effect.
	conflict, tooMany, broken float64
	// lost is the chance that the answer to a write is lost, after it took effect.
	lost float64
	// cut is the chance that a watch ends within a second.
	cut float64
}

// proxy stands between components and an API server, and makes things go wrong.
type proxy struct {
	faults  faults
	backend *httputil.ReverseProxy
	server  *httptest.Server

	mu     sync.Mutex
	random *rand.Rand
	counts map[string]int
	// life ends when the proxy is cut off; away says that it is.
	life context.Context
	end  context.CancelFunc
	away bool
}

// newProxy is a proxy to the API server, with the rights of its administrator. Nothing goes wrong before begin. The same
// seed rolls the same dice.
func newProxy(t *testing.T, admin *rest.Config, seed uint64) *proxy {
	t.Helper()
	transport, err := rest.TransportFor(admin)
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(admin.Host)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{random: rand.New(rand.NewPCG(seed, 0)), counts: map[string]int{}}
	p.life, p.end = context.WithCancel(context.Background())
	p.backend = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport:     transport,
		FlushInterval: -1,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.server = httptest.NewServer(p)
	t.Cleanup(func() {
		p.cut()
		p.server.Close()
		t.Logf("what went wrong, with seed %d: %s", seed, p.summary())
	})
	return p
}

// config is how components reach the API server by the proxy.
func (p *proxy) config() *rest.Config { return &rest.Config{Host: p.server.URL, QPS: -1} }

// passing is how those reach the API server by the proxy who show a token: it counts for more than the proxy's own certificate.
func (p *proxy) passing(configOf func(string) (*rest.Config, error)) func(string) (*rest.Config, error) {
	if configOf == nil {
		return nil
	}
	return func(loop string) (*rest.Config, error) {
		direct, err := configOf(loop)
		if err != nil {
			return nil, err
		}
		config := p.config()
		config.BearerToken = direct.BearerToken
		return config, nil
	}
}

// begin lets things go wrong from now on.
func (p *proxy) begin(f faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = f
	p.end() // so that watches begin again, and are cut
	p.life, p.end = context.WithCancel(context.Background())
}

// cut ends every connection, and lets none through until mend.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = true
	p.end()
}

// mend lets requests through again.
func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = false
	p.life, p.end = context.WithCancel(context.Background())
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	life, f := p.state()
	if life == nil {
		panic(http.ErrAbortHandler)
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(life, cancel)()
	r = r.WithContext(ctx)
	if r.URL.Query().Get("watch") != "" {
		if p.happens("watches cut", f.cut) {
			defer time.AfterFunc(time.Second, cancel).Stop()
		}
		p.backend.ServeHTTP(w, r)
		return
	}
	p.request(w, r, f)
}

// state is how long connections live, and what happens to them; nil when the proxy is cut off.
func (p *proxy) state() (context.Context, faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away {
		return nil, faults{}
	}
	return p.life, p.faults
}

func (p *proxy) request(w http.ResponseWriter, r *http.Request, f faults) {
	write := !slices.Contains([]string{http.MethodGet, http.MethodHead}, r.Method)
	if p.happens("late", f.late) {
		select {
		case <-time.After(time.Duration(p.roll() * float64(f.lateness))):
		case <-r.Context().Done():
		}
	}
	switch {
	case write && p.happens("409", f.conflict):
		refuse(w, apierrors.NewConflict(schema.GroupResource{Resource: "things"}, "thing", fmt.Errorf("somebody else was faster")))
	case p.happens("429", f.tooMany):
		w.Header().Set("Retry-After", "1")
		refuse(w, apierrors.NewTooManyRequests("too many requests, please try again later", 1))
	case p.happens("500", f.broken):
		refuse(w, apierrors.NewInternalError(fmt.Errorf("a fault")))
	case write && p.happens("answers lost", f.lost):
		p.backend.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		p.backend.ServeHTTP(w, r)
	}
}

func refuse(w http.ResponseWriter, answer *apierrors.StatusError) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(answer.ErrStatus.Code))
	_ = json.NewEncoder(w).Encode(answer.ErrStatus) // a client that is gone asks again
}

// happens rolls the dice, and counts.
func (p *proxy) happens(what string, chance float64) bool {
	if p.roll() >= chance {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[what]++
	return true
}

func (p *proxy) roll() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.random.Float64()
}

func (p *proxy) summary() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for what, n := range p.counts {
		all = append(all, fmt.Sprintf("%d %s", n, what))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
