package rbac

import (
	"bytes"
	"io"
	"net/http"
	"sync"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// recorder writes down what a user asks for. It is safe for concurrent use.
type recorder struct {
	user string

	mu sync.Mutex
	// allowed are how many requests got further than to authorization, forbidden what was answered to those that have the code for it.
	allowed   map[Request]int
	forbidden map[Request]*forbidden
	err       error // of the first request that could not be read
}

// forbidden are requests of one sort that were answered by that they are forbidden.
type forbidden struct {
	times  int
	answer []byte // the first one
}

func newRecorder(user string) *recorder {
	return &recorder{user: user, allowed: map[Request]int{}, forbidden: map[Request]*forbidden{}}
}

// config is how clients of the user reach an API server that another configuration reaches as an administrator.
func (r *recorder) config(admin *rest.Config) *rest.Config {
	config := rest.CopyConfig(admin)
	config.Impersonate = rest.ImpersonationConfig{UserName: r.user}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &recorded{r, next} })
	return config
}

// note writes down a request and how it was answered. What never reached authorization, or may not have, is not written down.
func (r *recorder) note(asked Request, code int, answer []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case code == http.StatusForbidden:
		if r.forbidden[asked] == nil {
			r.forbidden[asked] = &forbidden{answer: answer}
		}
		r.forbidden[asked].times++
	case code == http.StatusUnauthorized, code == http.StatusTooManyRequests, code >= http.StatusInternalServerError:
	default:
		r.allowed[asked]++
	}
}

func (r *recorder) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}

// recorded is the way of requests to the API server.
type recorded struct {
	by   *recorder
	next http.RoundTripper
}

var _ utilnet.RoundTripperWrapper = &recorded{}

// WrappedRoundTripper implements utilnet.RoundTripperWrapper, by which client-go finds the connections.
func (t *recorded) WrappedRoundTripper() http.RoundTripper { return t.next }

// RoundTrip implements http.RoundTripper.
func (t *recorded) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(request)
	if err != nil || request.Header.Get(transport.ImpersonateUserHeader) != t.by.user {
		return response, err // whoever acts for somebody else needs no right of its own
	}
	asked, err := requestOf(request)
	if err != nil {
		t.by.fail(err)
		return response, nil
	}
	var answer []byte
	if response.StatusCode == http.StatusForbidden {
		answer = read(response)
	}
	t.by.note(asked, response.StatusCode, answer)
	return response, nil
}

// read reads an answer, which its client reads once more, with the error that there may have been.
func read(response *http.Response) []byte {
	body := response.Body
	answer, err := io.ReadAll(body)
	again := io.Reader(bytes.NewReader(answer))
	if err != nil {
		again = io.MultiReader(again, broken{err})
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{again, body}
	return answer
}

// broken is the end of an answer that was not read to its end.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }
