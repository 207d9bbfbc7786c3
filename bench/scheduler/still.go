package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// still is an API server without a server: it answers a client in memory. It has nodes and pods that never change, of every
// other kind it has none, and it forgets what is created (which are Events only, since nothing is bound).
type still map[string][]byte // by path

func newStill(nodes []corev1.Node, pods []corev1.Pod) (still, error) {
	s := still{}
	for path, object := range map[string]any{
		"/api":  metav1.APIVersions{Versions: []string{"v1"}},
		"/apis": metav1.APIGroupList{},
		"/api/v1": metav1.APIResourceList{GroupVersion: "v1", APIResources: []metav1.APIResource{
			{Name: "nodes", Kind: "Node"}, {Name: "pods", Kind: "Pod", Namespaced: true},
		}},
		"/api/v1/nodes": corev1.NodeList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}, Items: nodes},
		"/api/v1/pods":  corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}, Items: pods},
	} {
		encoded, err := json.Marshal(object)
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", path, err)
		}
		s[path] = encoded
	}
	return s, nil
}

// config returns a client configuration that leads here.
func (s still) config() *rest.Config {
	return &rest.Config{Host: "http://still.invalid", QPS: -1, Transport: s}
}

// RoundTrip answers a request.
func (s still) RoundTrip(request *http.Request) (*http.Response, error) {
	query := request.URL.Query()
	switch {
	case query.Get("sendInitialEvents") == "true": // a client that is refused this lists
		return answer(request, http.StatusBadRequest, []byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"BadRequest","code":400}`)), nil
	case query.Get("watch") == "true":
		response := answer(request, http.StatusOK, nil)
		response.Body = silent{request}
		return response, nil
	case request.Method == http.MethodPost:
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		response := answer(request, http.StatusCreated, body)
		response.Header.Set("Content-Type", request.Header.Get("Content-Type"))
		return response, nil
	}
	path := strings.TrimSuffix(request.URL.Path, "/")
	if body, known := s[path]; known {
		return answer(request, http.StatusOK, body), nil
	}
	return answer(request, http.StatusOK, []byte(`{"metadata":{"resourceVersion":"1"},"items":[]}`)), nil
}

func answer(request *http.Request, code int, body []byte) *http.Response {
	return &http.Response{
		StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}

// silent is the body of a watch in which nothing ever happens.
type silent struct{ request *http.Request }

func (s silent) Read([]byte) (int, error) {
	<-s.request.Context().Done()
	return 0, io.EOF
}

func (s silent) Close() error { return nil }
