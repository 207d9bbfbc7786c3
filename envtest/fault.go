package envtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Fault is what happens to a request. It may send it, which answers as the API server does, or not. Those that are here cover what is
// usual; a test may have its own.
type Fault func(request *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error)

// Refused answers for the API server, which never sees the request.
func Refused(why *apierrors.StatusError) Fault {
	return func(request *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		unsent(request)
		return answer(request, &why.ErrStatus)
	}
}

// Conflict refuses a request with 409, as when somebody else was faster.
func Conflict() Fault {
	return Refused(apierrors.NewConflict(schema.GroupResource{Resource: "things"}, "thing", errors.New("a fault that the test made")))
}

// TooManyRequests refuses a request with 429, and asks to try again after so many seconds. With 0 it does not say when, and client-go
// does not try again by itself.
func TooManyRequests(retryAfterSeconds int) Fault {
	return Refused(apierrors.NewTooManyRequests("a fault that the test made", retryAfterSeconds))
}

// InternalError refuses a request with 500.
func InternalError() Fault {
	return Refused(apierrors.NewInternalError(errors.New("a fault that the test made")))
}

// Latency sends a request after a while.
func Latency(d time.Duration) Fault {
	return func(request *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return send(request)
		case <-request.Context().Done():
			unsent(request)
			return nil, request.Context().Err()
		}
	}
}

// RequestLost breaks the connection before the API server has seen the request.
func RequestLost() Fault {
	return func(request *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		unsent(request)
		return nil, errBroken
	}
}

// AnswerLost breaks the connection when the API server has done what it was asked.
func AnswerLost() Fault {
	return func(request *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		if err := forget(send(request)); err != nil {
			return nil, err
		}
		return nil, errBroken
	}
}

// TimedOut answers with 504 when the API server has done what it was asked.
func TimedOut() Fault {
	return func(request *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		if err := forget(send(request)); err != nil {
			return nil, err
		}
		return answer(request, &apierrors.NewTimeoutError("a fault that the test made", 0).ErrStatus)
	}
}

// CutAfter breaks the connection of a watch after a while.
func CutAfter(d time.Duration) Fault {
	return func(request *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		response, err := send(request)
		if body, ok := bodyOf(response); ok {
			body.cutAfter(d)
		}
		return response, err
	}
}

// unsent ends a request that is not sent, as whoever takes one has to.
func unsent(request *http.Request) {
	if request.Body != nil {
		_ = request.Body.Close() // nobody has read it
	}
}

// forget waits for an answer and drops it.
func forget(response *http.Response, err error) error {
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return errors.Join(err, response.Body.Close())
}

// answer is a Status as the API server sends it.
func answer(request *http.Request, status *metav1.Status) (*http.Response, error) {
	status = status.DeepCopy()
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	body, err := json.Marshal(status)
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if status.Details != nil && status.Details.RetryAfterSeconds > 0 {
		header.Set("Retry-After", strconv.Itoa(int(status.Details.RetryAfterSeconds)))
	}
	return &http.Response{
		Status: http.StatusText(int(status.Code)), StatusCode: int(status.Code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: request,
	}, nil
}
