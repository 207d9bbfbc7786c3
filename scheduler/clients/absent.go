package clients

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// lookAgain is how long a kind that is not served is taken to be so.
const lookAgain = time.Minute

// tolerant answers for kinds of upstream that the server does not serve: there are no objects of them. Only listing and
// watching all of them is answered so; other requests get the server's own answer.
type tolerant struct {
	inner http.RoundTripper
	clock clock.Clock
}

// RoundTrip implements http.RoundTripper.
func (t tolerant) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.inner.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusNotFound || request.Method != http.MethodGet {
		return response, err
	}
	list, ok := listKind(request.URL.Path)
	query := request.URL.Query()
	// A watch that is to begin with all objects is not answered: its client lists them then.
	if !ok || query.Get("sendInitialEvents") != "" {
		return response, nil
	}
	_ = response.Body.Close() // Nothing of it is used.
	if query.Get("watch") != "" {
		return answer(request, &expiring{ended: request.Context().Done(), after: t.clock.After(lookAgain)}), nil
	}
	klog.FromContext(request.Context()).V(2).Info("A kind that plugins read is not served; there are none of it, then", "kind", list)
	return answer(request, strings.NewReader(fmt.Sprintf(
		`{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":"0"},"items":[]}`, list.Kind, list.GroupVersion()))), nil
}

// listKind returns the kind of the list at a path that ends in an upstream resource.
func listKind(path string) (schema.GroupVersionKind, bool) {
	gvr, rest, ok := parsePath(path)
	if !ok || rest != "" {
		return schema.GroupVersionKind{}, false
	}
	for kind := range clientgoscheme.Scheme.KnownTypes(gvr.GroupVersion()) {
		list := gvr.GroupVersion().WithKind(kind + "List")
		if plural, _ := meta.UnsafeGuessKindToResource(gvr.GroupVersion().WithKind(kind)); plural == gvr && clientgoscheme.Scheme.Recognizes(list) {
			return list, true
		}
	}
	return schema.GroupVersionKind{}, false
}

func answer(request *http.Request, body io.Reader) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {runtime.ContentTypeJSON}},
		Body:          io.NopCloser(body),
		ContentLength: -1,
		Request:       request,
	}
}

// expiring is a watch on which nothing happens until it says that it has expired, whereupon its client lists again.
type expiring struct {
	ended <-chan struct{}
	after <-chan time.Time
	rest  *bytes.Reader
}

const expired = `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410,` +
	`"message":"the kind was not served; it is looked for again"}}`

// Read implements io.Reader.
func (e *expiring) Read(p []byte) (int, error) {
	if e.rest == nil {
		select {
		case <-e.ended:
			return 0, io.EOF
		case <-e.after:
			e.rest = bytes.NewReader([]byte(expired))
		}
	}
	return e.rest.Read(p)
}
