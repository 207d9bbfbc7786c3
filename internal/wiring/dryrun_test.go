package wiring

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
)

func TestADryRunSendsNothingThatWouldWrite(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	client, err := rest.HTTPClientFor(readOnly(&rest.Config{Host: server.URL}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path string
		sent         bool
	}{
		{http.MethodGet, "/api/v1/pods", true},
		{http.MethodPost, "/apis/authorization.k8s.io/v1/subjectaccessreviews", true},
		{http.MethodPost, "/api/v1/namespaces/default/pods", false},
		{http.MethodPut, "/apis/authorization.k8s.io/v1/x", false},
		{http.MethodPatch, "/api/v1/namespaces/default/pods/web", false},
		{http.MethodDelete, "/api/v1/namespaces/default/pods/web", false},
	} {
		request, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		if (err == nil) != c.sent || err != nil && !strings.Contains(err.Error(), "a dry run writes nothing") {
			t.Errorf("%s %s: got %v, want that it is sent: %t", c.method, c.path, err, c.sent)
		}
	}
}
