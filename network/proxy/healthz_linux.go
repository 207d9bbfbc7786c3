package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
)

// HealthzPort is where kube-proxy says how it is, and load balancers of clouds ask.
const HealthzPort = 10256

// patience is how long the table may not be kept before the proxy calls itself unhealthy, as in kube-proxy.
const patience = time.Minute

// toBeDeleted is the taint that the cluster autoscaler puts on a node that it is about to delete.
const toBeDeleted = "ToBeDeletedByClusterAutoscaler"

// condition is what is said at /healthz and /livez, in the words of kube-proxy.
type condition struct {
	LastUpdated time.Time `json:"lastUpdated"`
	CurrentTime time.Time `json:"currentTime"`
	// NodeEligible says whether the node is to get new connections; it is said at /healthz only.
	NodeEligible *bool `json:"nodeEligible,omitempty"`
	Healthy      bool  `json:"healthy"`
}

// record is how the table has been kept. The zero value is that nothing has failed.
type record struct {
	mu sync.Mutex
	// failing is since when the table could not be read or written; zero if it could, the last time.
	failing time.Time
}

// note takes down whether the table was read or written as it should be.
func (r *record) note(err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.failing = time.Time{}
	case r.failing.IsZero():
		r.failing = now
	}
}

// condition is how that is now. Who has not failed is up to date.
func (r *record) condition(now time.Time) condition {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failing.IsZero() {
		return condition{LastUpdated: now, CurrentTime: now, Healthy: true}
	}
	return condition{LastUpdated: r.failing, CurrentTime: now, Healthy: now.Sub(r.failing) < patience}
}

// eligible says whether a node is to get new connections: there is one, which is not deleted and not to be.
func eligible(node *corev1.Node) bool {
	return node != nil && node.DeletionTimestamp == nil &&
		!slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool { return taint.Key == toBeDeleted })
}

// Healthz answers at /healthz whether this node is to get new connections, and at /livez whether the proxy works.
func (p *Proxy) Healthz() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/livez", func(w http.ResponseWriter, _ *http.Request) {
		p.node.record.condition(time.Now()).write(w, measured.livez)
	})
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {
		c := p.node.record.condition(time.Now())
		node, err := p.loop.ownNode(r.Context())
		good := err == nil && eligible(node)
		c.NodeEligible = &good
		c.write(w, measured.healthz)
	})
	return mux
}

// write answers with 200 where all is well, and 503 otherwise, and counts that.
func (c condition) write(w http.ResponseWriter, answers *prometheus.CounterVec) {
	code := http.StatusOK
	if !c.Healthy || c.NodeEligible != nil && !*c.NodeEligible {
		code = http.StatusServiceUnavailable
	}
	answers.WithLabelValues(strconv.Itoa(code)).Inc()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(c) // who asked sees when it is missing
}

// serve answers at the listener of the options, if there is one, until ctx ends; health check node ports are closed then, too.
func (p *Proxy) serve(ctx context.Context) error {
	server := &http.Server{Handler: p.Healthz(), ReadHeaderTimeout: 10 * time.Second}
	if p.loop.options.Healthz != nil {
		go func() { _ = server.Serve(p.loop.options.Healthz) }() // it ends with Close
	}
	<-ctx.Done()
	return errors.Join(server.Close(), p.node.healths.close())
}
