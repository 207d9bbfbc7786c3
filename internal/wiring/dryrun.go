package wiring

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
)

// readOnly is a way to an API server on which nothing is sent that would write.
func readOnly(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return reading{next} })
	return config
}

// reading sends on what reads, and refuses the rest.
type reading struct{ next http.RoundTripper }

// reviews are where a POST asks a question, and makes nothing: who somebody is, and what they may do.
var reviews = []string{"/apis/authentication.k8s.io/", "/apis/authorization.k8s.io/"}

func (r reading) RoundTrip(request *http.Request) (*http.Response, error) {
	asks := slices.ContainsFunc(reviews, func(path string) bool { return strings.Contains(request.URL.Path, path) })
	if request.Method == http.MethodGet || request.Method == http.MethodPost && asks {
		return r.next.RoundTrip(request)
	}
	return nil, fmt.Errorf("a dry run writes nothing: %s %s was not sent", request.Method, request.URL.Path)
}
