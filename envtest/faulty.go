package envtest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"syscall"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// errBroken is what a client gets to hear whose connection broke.
var errBroken error = syscall.ECONNRESET

// faulty is the way of a client's requests to the API server and back.
type faulty struct {
	faults *Faults
	client *known
	next   http.RoundTripper
}

var _ utilnet.RoundTripperWrapper = &faulty{}

// WrappedRoundTripper implements utilnet.RoundTripperWrapper, by which client-go finds the connections.
func (t *faulty) WrappedRoundTripper() http.RoundTripper { return t.next }

// RoundTrip implements http.RoundTripper.
func (t *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	fault, err := t.faults.next(askedBy(t.client, r))
	if err != nil {
		return RequestLost()(r, nil)
	}
	if fault == nil {
		return t.send(r)
	}
	return fault(r, t.send)
}

// send sends a request, whose answer can be cut off.
func (t *faulty) send(r *http.Request) (*http.Response, error) {
	ctx, l := t.faults.begin(r.Context(), t.client)
	response, err := t.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		defer l.forget()
		return nil, broken(ctx, err)
	}
	response.Body = &body{ReadCloser: response.Body, life: l, ctx: ctx}
	return response, nil
}

// life is that of one request.
type life struct {
	client *known
	end    context.CancelCauseFunc
	forget func()
}

// broken is what a client gets to hear of an error that cutting its connection has made.
func broken(ctx context.Context, err error) error {
	if err != nil && !errors.Is(err, io.EOF) && errors.Is(context.Cause(ctx), errBroken) {
		return errBroken
	}
	return err
}

// body is the body of an answer, which may be that of a watch.
type body struct {
	io.ReadCloser
	life *life
	ctx  context.Context
	stop sync.Once
	cut  *time.Timer
}

func bodyOf(response *http.Response) (*body, bool) {
	if response == nil {
		return nil, false
	}
	b, ok := response.Body.(*body)
	return b, ok
}

// cutAfter breaks it off after a while. It is called before anybody reads.
func (b *body) cutAfter(d time.Duration) {
	b.cut = time.AfterFunc(d, func() { b.life.end(errBroken) })
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	return n, broken(b.ctx, err)
}

func (b *body) Close() error {
	b.stop.Do(func() {
		if b.cut != nil {
			b.cut.Stop()
		}
		b.life.forget()
	})
	return b.ReadCloser.Close()
}
