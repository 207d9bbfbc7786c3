package clients

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/orrery-dev/orrery/apis"
)

// translator lets a client that uses Kubernetes' names speak to a server that has Orrery's.
type translator struct{ inner http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t translator) RoundTrip(request *http.Request) (*http.Response, error) {
	path, renamed := translatePath(request.URL.Path)
	if !renamed {
		return t.inner.RoundTrip(request)
	}
	outgoing, err := translateRequest(request, path)
	if err != nil {
		return nil, err
	}
	response, err := t.inner.RoundTrip(outgoing)
	if err != nil {
		return nil, err
	}
	return translateResponse(response)
}

// translatePath returns where the server has the resource of a path, and whether that is elsewhere.
func translatePath(path string) (string, bool) {
	gvr, _, ok := parsePath(path)
	if !ok {
		return path, false
	}
	renamed := apis.Orrery.GroupResource(gvr.GroupResource())
	if renamed == gvr.GroupResource() {
		return path, false
	}
	root := "/apis/" + gvr.Group + "/" + gvr.Version
	if gvr.Group == "" {
		root = "/api/" + gvr.Version
	}
	return "/apis/" + renamed.Group + "/" + gvr.Version + strings.TrimPrefix(path, root), true
}

func translateRequest(request *http.Request, path string) (*http.Request, error) {
	outgoing := request.Clone(request.Context())
	outgoing.URL.Path, outgoing.URL.RawPath = path, ""
	if request.Body == nil || request.Body == http.NoBody {
		return outgoing, nil
	}
	body, err := io.ReadAll(request.Body)
	if err := errors.Join(err, request.Body.Close()); err != nil {
		return nil, fmt.Errorf("reading the request to %s: %w", request.URL.Path, err)
	}
	if isJSON(request.Header) {
		if body, err = translateObject(body, apis.Orrery); err != nil {
			return nil, fmt.Errorf("translating the request to %s: %w", request.URL.Path, err)
		}
	}
	outgoing.Body, outgoing.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	outgoing.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return outgoing, nil
}

func translateResponse(response *http.Response) (*http.Response, error) {
	if !isJSON(response.Header) || response.StatusCode >= http.StatusMultipleChoices {
		return response, nil
	}
	if response.Request.URL.Query().Get("watch") != "" {
		response.Body = translateWatch(response.Body)
		return response, nil
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, fmt.Errorf("reading the answer from %s: %w", response.Request.URL.Path, err)
	}
	if body, err = translateObject(body, apis.Kubernetes); err != nil {
		return nil, fmt.Errorf("translating the answer from %s: %w", response.Request.URL.Path, err)
	}
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response.Header.Del("Content-Length")
	return response, nil
}

// translateWatch translates the object of each event as it comes. Closing the result closes the stream.
func translateWatch(stream io.ReadCloser) io.ReadCloser {
	reader, writer := io.Pipe()
	go func() {
		defer func() { _ = stream.Close() }() // Whoever reads has been told what went wrong.
		decoder, encoder := json.NewDecoder(stream), json.NewEncoder(writer)
		for {
			var event struct {
				Type   string          `json:"type"`
				Object json.RawMessage `json:"object"`
			}
			err := decoder.Decode(&event)
			if err == nil {
				event.Object, err = translateObject(event.Object, apis.Kubernetes)
			}
			if err == nil {
				err = encoder.Encode(event)
			}
			if err != nil {
				writer.CloseWithError(err) // io.EOF at the end of the stream
				return
			}
		}
	}()
	return watchBody{PipeReader: reader, stream: stream}
}

type watchBody struct {
	*io.PipeReader
	stream io.Closer
}

// Close implements io.Closer.
func (b watchBody) Close() error { return errors.Join(b.stream.Close(), b.PipeReader.Close()) }

func isJSON(header http.Header) bool {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && kind == runtime.ContentTypeJSON
}
