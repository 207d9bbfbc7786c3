package activity

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// Transport is a way to the API server on which requests count as work until they have been answered, and the answers read: for the Wrap of
// a rest.Config. Watches do not, nor what goes on for as long as somebody likes.
func (t *Tracker) Transport(next http.RoundTripper) http.RoundTripper {
	if t == nil {
		return next
	}
	return &transport{t, next}
}

type transport struct {
	tracker *Tracker
	next    http.RoundTripper
}

var _ utilnet.RoundTripperWrapper = &transport{}

// WrappedRoundTripper implements utilnet.RoundTripperWrapper, by which client-go finds the connections.
func (t *transport) WrappedRoundTripper() http.RoundTripper { return t.next }

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if lasts(r) {
		return t.next.RoundTrip(r)
	}
	end := t.tracker.Begin(fmt.Sprintf("%s %s", r.Method, r.URL.Path))
	response, err := t.next.RoundTrip(r)
	if err != nil || response.Body == nil {
		end()
		return response, err
	}
	response.Body = &body{response.Body, end}
	return response, nil
}

// lasts reports that a request is a watch, or a stream that somebody follows.
func lasts(r *http.Request) bool {
	query := r.URL.Query()
	for _, flag := range []string{"watch", "follow"} {
		if value := query.Get(flag); value != "" && value != "false" && value != "0" {
			return true
		}
	}
	return r.Header.Get("Upgrade") != "" || strings.Contains(r.URL.Path, "/watch/")
}

// body ends the request when it has been read.
type body struct {
	io.ReadCloser
	end func()
}

func (b *body) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
