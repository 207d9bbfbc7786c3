package naming

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/endpoints/request"
)

func TestWhatARequestIsFor(t *testing.T) {
	for _, test := range []struct{ path, want string }{
		{"/apis/apps.orrery.dev/v1/deployments", "/apis/apps/v1/deployments"},
		{"/apis/apps.orrery.dev/v1/namespaces/default/deployments/web", "/apis/apps/v1/namespaces/default/deployments/web"},
		{"/apis/apps.orrery.dev/v1/namespaces/default/deployments/web/scale", "/apis/apps/v1/namespaces/default/deployments/web/scale scale"},
		{"/apis/core.orrery.dev/v1/namespaces/default/pods/web/proxy/a/b", "/api/v1/namespaces/default/pods/web/proxy/a/b proxy"},
		{"/apis/core.orrery.dev/v1/watch/namespaces/default/pods", "/api/v1/watch/namespaces/default/pods"},
		{"/apis/core.orrery.dev/v1/nodes/one", "/api/v1/nodes/one"},
		{"/apis/networking.orrery.dev/v1/namespaces/a/ingresses", "/apis/networking.k8s.io/v1/namespaces/a/ingresses"},
		{"/apis/apps.orrery.dev/v1", ""},                              // discovery
		{"/apis/apps.orrery.dev/v2/deployments", ""},                  // another version
		{"/apis/apps.orrery.dev/v1/unicorns", ""},                     // a kind that somebody added
		{"/apis/core.orrery.dev/v1/namespaces/default", ""},           // no kind of ours
		{"/apis/core.orrery.dev/v1/namespaces/default/secrets/x", ""}, // has one name
		{"/apis/apps/v1/deployments", ""},                             // the first name
		{"/apis/example.com/v1/deployments", ""},                      // somebody else's
		{"/api/v1/pods", ""}, {"/apis/apps.orrery.dev", ""}, {"/", ""}, {"/apis/core.orrery.dev/v1/", ""},
	} {
		got := ""
		if to, ok := targetOf(test.path); ok {
			got = strings.TrimSpace(to.path + " " + to.subresource)
		}
		if got != test.want {
			t.Errorf("%s is for %q, want %q", test.path, got, test.want)
		}
	}
}

// behind is what stands behind the door: it notes the request, and answers.
type behind struct {
	path, accept, contentType, body, asked string
	length                                 int64
	answer                                 func(w http.ResponseWriter)
}

func (b *behind) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	*b = behind{r.URL.RequestURI(), r.Header.Get("Accept"), r.Header.Get("Content-Type"), string(body), "", r.ContentLength, b.answer}
	if asked := questionOf(r.Context()); asked != nil {
		b.asked = asked.groupVersion
	}
	if r.RequestURI != b.path {
		panic(fmt.Sprintf("two paths in one request: %s and %s", r.RequestURI, b.path))
	}
	if b.answer != nil {
		b.answer(w)
	}
}

func answers(contentType string, code int, parts ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", fmt.Sprint(len(strings.Join(parts, ""))))
		w.WriteHeader(code)
		for _, part := range parts {
			if _, err := io.WriteString(w, part); err != nil {
				panic(err)
			}
			w.(http.Flusher).Flush()
		}
	}
}

func TestARequestOnItsWayThere(t *testing.T) {
	const deployments = "/apis/apps.orrery.dev/v1/namespaces/default/deployments"
	const object, first = `{"apiVersion":"apps.orrery.dev/v1","kind":"Deployment"}`, `{"apiVersion":"apps/v1","kind":"Deployment"}`
	for _, test := range []struct {
		name, path, contentType, accept, body string
		want                                  behind
		refused                               int
	}{
		{
			name: "a create", path: deployments + "?fieldManager=me", contentType: "application/json", body: object,
			want: behind{path: "/apis/apps/v1/namespaces/default/deployments?fieldManager=me", accept: "application/json", contentType: "application/json", body: first, asked: "apps.orrery.dev/v1", length: -1},
		},
		{
			name: "one that does not say what it is", path: deployments, body: object,
			want: behind{path: "/apis/apps/v1/namespaces/default/deployments", accept: "application/json", body: first, asked: "apps.orrery.dev/v1", length: -1},
		},
		{
			name: "what a typed client accepts", path: deployments, accept: "application/vnd.kubernetes.protobuf,application/json",
			want: behind{path: "/apis/apps/v1/namespaces/default/deployments", accept: "application/json", asked: "apps.orrery.dev/v1"},
		},
		{
			name: "a table", path: deployments, accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
			want: behind{path: "/apis/apps/v1/namespaces/default/deployments", accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json", asked: "apps.orrery.dev/v1"},
		},
		{name: "protobuf alone cannot be answered", path: deployments, accept: "application/vnd.kubernetes.protobuf", refused: http.StatusNotAcceptable},
		{name: "protobuf cannot be read", path: deployments, contentType: "application/vnd.kubernetes.protobuf", body: "k8s\x00", refused: http.StatusUnsupportedMediaType},
		{name: "an apply in CBOR cannot be read", path: deployments, contentType: "application/apply-patch+cbor", body: "x", refused: http.StatusUnsupportedMediaType},
		{
			name: "the input of a proxy is nobody's object", path: "/apis/core.orrery.dev/v1/namespaces/default/pods/web/proxy/x", contentType: "application/vnd.kubernetes.protobuf", accept: "text/html", body: object,
			want: behind{path: "/api/v1/namespaces/default/pods/web/proxy/x", accept: "text/html", contentType: "application/vnd.kubernetes.protobuf", body: object, asked: "core.orrery.dev/v1", length: int64(len(object))},
		},
		{
			name: "anything else is not touched", path: "/apis/apps/v1/deployments", contentType: "application/json", accept: "*/*", body: object,
			want: behind{path: "/apis/apps/v1/deployments", accept: "*/*", contentType: "application/json", body: object, length: int64(len(object))},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got behind
			r := httptest.NewRequest(http.MethodPost, test.path, strings.NewReader(test.body))
			for name, value := range map[string]string{"Content-Type": test.contentType, "Accept": test.accept} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			w := httptest.NewRecorder()
			Door(Inner(&got)).ServeHTTP(w, r)
			if test.refused != 0 {
				var status metav1.Status
				if err := json.Unmarshal(w.Body.Bytes(), &status); err != nil || w.Code != test.refused || int(status.Code) != test.refused || got.path != "" {
					t.Errorf("answered %d: %s (%v), want a Status with %d", w.Code, w.Body, err, test.refused)
				}
				return
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(behind{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestABodyThatIsTooLargeGoesOnWhole(t *testing.T) {
	rest := `,"x":"` + strings.Repeat("x", largestBody) + `"}`
	for _, test := range []struct{ contentType, want string }{
		{"application/json", `{"apiVersion":"apps/v1"` + rest},
		{"application/apply-patch+yaml", `{"apiVersion":"apps.orrery.dev/v1"` + rest},
	} {
		var got behind
		r := httptest.NewRequest(http.MethodPost, "/apis/apps.orrery.dev/v1/deployments", strings.NewReader(`{"apiVersion":"apps.orrery.dev/v1"`+rest))
		r.Header.Set("Content-Type", test.contentType)
		Door(&got).ServeHTTP(httptest.NewRecorder(), r)
		if got.body != test.want {
			t.Errorf("%s: %d bytes of %d went on, or they were changed", test.contentType, len(got.body), len(test.want))
		}
	}
}

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func (unread) Close() error { return nil }

func TestNoBodyIsReadBeforeItsSenderIsLetIn(t *testing.T) {
	nobody := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	for _, contentType := range []string{"", "application/json", "application/yaml", "application/json-patch+json", "application/apply-patch+yaml", "application/cbor"} {
		r := httptest.NewRequest(http.MethodPost, "/apis/apps.orrery.dev/v1/deployments", unread{t})
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		Door(nobody).ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("a body of %q is answered %d before its sender is known", contentType, w.Code)
		}
	}
}

func TestAnAnswerOnItsWayBack(t *testing.T) {
	const first, second = `{"kind":"Deployment","apiVersion":"apps/v1"}`, `{"kind":"Deployment","apiVersion":"apps.orrery.dev/v1"}`
	const event, eventAsAsked = `{"type":"ADDED","object":` + first + `}` + "\n", `{"type":"ADDED","object":` + second + `}` + "\n"
	for _, test := range []struct {
		name, accept string
		answer       func(http.ResponseWriter)
		want         string
		code         int
		contentType  string
	}{
		{"an object", "", answers("application/json", 201, first), second, 201, "application/json"},
		{"one in parts", "", answers("application/json", 200, first[:9], first[9:]), second, 200, "application/json"},
		{"a watch, with events in parts", "", answers("application/json;stream=watch", 200, event[:9], event[9:]+event), eventAsAsked + eventAsAsked, 200, "application/json;stream=watch"},
		{"a watch that breaks off", "", answers("application/json;stream=watch", 200, event, event[:9]), eventAsAsked + event[:9], 200, "application/json;stream=watch"},
		{"YAML, where it was asked for", "application/yaml", answers("application/json", 200, first), "apiVersion: apps.orrery.dev/v1\nkind: Deployment\n", 200, "application/yaml"},
		{"a refusal", "", answers("application/json", 404, `{"kind":"Status","apiVersion":"v1"}`), `{"kind":"Status","apiVersion":"v1"}`, 404, "application/json"},
		{"text", "", answers("text/plain", 200, first), first, 200, "text/plain"},
		{"nothing", "", func(w http.ResponseWriter) { w.WriteHeader(204) }, "", 204, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(Door(&behind{answer: test.answer}))
			defer server.Close()
			r, err := http.NewRequest(http.MethodGet, server.URL+"/apis/apps.orrery.dev/v1/deployments", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept", test.accept)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if err := response.Body.Close(); err != nil {
				t.Fatal(err)
			}
			if string(body) != test.want || response.StatusCode != test.code || response.Header.Get("Content-Type") != test.contentType {
				t.Errorf("answered %d, %s: %q; want %d, %s: %q", response.StatusCode, response.Header.Get("Content-Type"), body, test.code, test.contentType, test.want)
			}
		})
	}
}

func TestLargeAnswersAreCompressedForWhoReadsThat(t *testing.T) {
	item := `{"metadata":{"managedFields":[{"apiVersion":%q}]},"x":"` + strings.Repeat("x", 300) + `"}`
	list := func(gv string, n int) string {
		one := fmt.Sprintf(item, gv)
		return `{"kind":"DeploymentList","apiVersion":"` + gv + `","items":[` + strings.Repeat(one+",", n) + one + `]}`
	}
	for _, test := range []struct {
		name, accepts string
		items         int
		compressed    bool
	}{
		{"a large list", "gzip", 1000, true},
		{"a large list, in words of HTTP", "br, gzip", 1000, true},
		{"a small list", "gzip", 10, false},
		{"a large list, for who does not", "identity", 1000, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var asked string
			whole := list("apps/v1", test.items)
			server := httptest.NewServer(Door(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = r.Header.Get("Accept-Encoding")
				w.Header().Set("Content-Type", "application/json")
				for len(whole) > 0 {
					piece := whole[:min(1000, len(whole))]
					whole = whole[len(piece):]
					if _, err := io.WriteString(w, piece); err != nil {
						t.Error(err)
					}
				}
			})))
			defer server.Close()
			r, err := http.NewRequest(http.MethodGet, server.URL+"/apis/apps.orrery.dev/v1/deployments", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept-Encoding", test.accepts)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			if compressed := response.Header.Get("Content-Encoding") == "gzip"; compressed != test.compressed || asked != "" {
				t.Fatalf("compressed: %t, want %t; behind the door %q was asked for", compressed, test.compressed, asked)
			}
			body := io.Reader(response.Body)
			if test.compressed {
				if body, err = gzip.NewReader(body); err != nil {
					t.Fatal(err)
				}
			}
			got, err := io.ReadAll(body)
			if err != nil || string(got) != list("apps.orrery.dev/v1", test.items) {
				t.Errorf("answered %d bytes (%v), %.100s", len(got), err, got)
			}
		})
	}
}

func TestTheDoorCostsARequestByAFirstNameNothing(t *testing.T) {
	server := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	door, w := Door(server), httptest.NewRecorder()
	for _, path := range []string{"/api/v1/namespaces/default/pods/web", "/apis/apps/v1/namespaces/default/deployments", "/apis/example.org/v1/planets", "/openapi/v3/apis/apps/v1", "/readyz"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		if allocated := testing.AllocsPerRun(100, func() { door.ServeHTTP(w, r) }); allocated != 0 {
			t.Errorf("%s costs %v allocations", path, allocated)
		}
	}
}

func BenchmarkDoorForARequestByAFirstName(b *testing.B) {
	door := Door(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/apis/apps/v1/namespaces/default/deployments/web", nil)
	for b.Loop() {
		door.ServeHTTP(w, r)
	}
}

func TestWhatGotPastTheDoorIsRefused(t *testing.T) {
	for _, test := range []struct {
		group, resource string
		want            int
	}{
		{"apps.orrery.dev", "deployments", http.StatusNotFound},
		{"core.orrery.dev", "pods", http.StatusNotFound},
		{"core.orrery.dev", "secrets", http.StatusOK}, // somebody may define them
		{"apps.orrery.dev", "unicorns", http.StatusOK},
		{"apps", "deployments", http.StatusOK},
		{"", "pods", http.StatusOK},
	} {
		for _, version := range []string{"v1", "v2"} {
			info := &request.RequestInfo{IsResourceRequest: true, APIGroup: test.group, APIVersion: version, Resource: test.resource}
			r := httptest.NewRequest(http.MethodGet, "/anything", nil)
			w := httptest.NewRecorder()
			Inner(&behind{}).ServeHTTP(w, r.WithContext(request.WithRequestInfo(r.Context(), info)))
			if w.Code != test.want {
				t.Errorf("%s of %s/%s are answered %d, want %d", test.resource, test.group, version, w.Code, test.want)
			}
		}
	}
}
