package replica

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// request is an API request, taken apart.
type request struct {
	*http.Request
	resource    schema.GroupVersionResource
	name        types.NamespacedName // without a name, the whole collection of the namespace or of all
	subresource string
}

// RoundTrip answers a request. It makes the replica the transport of an API client.
func (r *Replica) RoundTrip(httpRequest *http.Request) (*http.Response, error) {
	request, err := parse(httpRequest)
	if err == nil && httpRequest.Method == http.MethodGet && httpRequest.URL.Query().Get("watch") == "true" {
		return r.watch(request)
	}
	var answer any
	if err == nil {
		answer, err = r.answer(request)
	}
	code := http.StatusOK
	if err != nil {
		status := statusOf(err)
		answer, code = status, int(status.Code)
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("answering %s %s: %w", httpRequest.Method, httpRequest.URL, err)
	}
	return respond(httpRequest, code, io.NopCloser(bytes.NewReader(body))), nil
}

// parse reads paths of the form /api/v1/... or /apis/GROUP/VERSION/..., [namespaces/NAMESPACE/]RESOURCE[/NAME[/SUBRESOURCE]].
func parse(httpRequest *http.Request) (*request, error) {
	parts := strings.Split(strings.Trim(httpRequest.URL.Path, "/"), "/")
	result := &request{Request: httpRequest}
	switch {
	case parts[0] == "api" && len(parts) > 2:
		result.resource.Version, parts = parts[1], parts[2:]
	case parts[0] == "apis" && len(parts) > 3:
		result.resource.Group, result.resource.Version, parts = parts[1], parts[2], parts[3:]
	default:
		return nil, apierrors.NewNotFound(schema.GroupResource{}, httpRequest.URL.Path)
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		result.name.Namespace, parts = parts[1], parts[2:]
	}
	result.resource.Resource = parts[0]
	if len(parts) > 1 {
		result.name.Name = parts[1]
	}
	result.subresource = strings.Join(parts[min(2, len(parts)):], "/")
	return result, nil
}

// answer does what a request other than a watch asks for.
func (r *Replica) answer(request *request) (any, error) {
	if request.Method == http.MethodGet {
		if request.name.Name != "" {
			return r.Get(request.Context(), request.resource, request.name)
		}
		return r.list(request)
	}
	before, err := r.before(request)
	if err != nil {
		return nil, err
	}
	now, answer, err := r.change(request)
	if err != nil {
		return nil, err
	}
	if r.OnWrite != nil {
		r.OnWrite(request.resource, before, now)
	}
	return answer, nil
}

// before is the object that a request is going to change; nil, where there is none.
func (r *Replica) before(request *request) (*unstructured.Unstructured, error) {
	if request.name.Name == "" {
		return nil, nil
	}
	object, err := r.Get(request.Context(), request.resource, request.name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return object, err
}

// change makes the change that a request asks for. It returns what the object is then, and the answer.
func (r *Replica) change(request *request) (now *unstructured.Unstructured, answer any, err error) {
	ctx := request.Context()
	success := &metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess}
	switch {
	case request.Method == http.MethodDelete && request.name.Name != "",
		request.Method == http.MethodPost && request.subresource == "eviction":
		return nil, success, r.Delete(ctx, request.resource, request.name)
	case request.Method == http.MethodPost && request.subresource == "binding":
		now, err = r.bind(request)
		return now, success, err
	case request.Method == http.MethodPost && request.subresource == "":
		object, err := read(request)
		if err != nil {
			return nil, nil, err
		}
		object.SetNamespace(request.name.Namespace)
		now, err = r.Create(ctx, request.resource, object)
		return now, now, err
	case request.Method == http.MethodPut:
		now, err = r.put(request)
		return now, now, err
	case request.Method == http.MethodPatch:
		now, err = r.patch(request)
		return now, now, err
	}
	return nil, nil, apierrors.NewMethodNotSupported(request.resource.GroupResource(), request.Method)
}

// bind assigns a pod as the API server does.
func (r *Replica) bind(request *request) (*unstructured.Unstructured, error) {
	binding, err := read(request)
	if err != nil {
		return nil, err
	}
	node, _, _ := unstructured.NestedString(binding.Object, "target", "name")
	return r.Change(request.Context(), request.resource, request.name, func(pod *unstructured.Unstructured) error {
		if uid := binding.GetUID(); uid != "" && uid != pod.GetUID() {
			return apierrors.NewConflict(request.resource.GroupResource(), pod.GetName(), errors.New("the pod was replaced"))
		}
		if bound, _, _ := unstructured.NestedString(pod.Object, "spec", "nodeName"); bound != "" {
			return apierrors.NewConflict(request.resource.GroupResource(), pod.GetName(), fmt.Errorf("the pod is on node %s", bound))
		}
		unstructured.RemoveNestedField(pod.Object, "status", "nominatedNodeName")
		unstructured.RemoveNestedField(pod.Object, "status", "conditions")
		return unstructured.SetNestedField(pod.Object, node, "spec", "nodeName")
	})
}

func (r *Replica) put(request *request) (*unstructured.Unstructured, error) {
	object, err := read(request)
	if err != nil {
		return nil, err
	}
	return r.Change(request.Context(), request.resource, request.name, func(now *unstructured.Unstructured) error {
		if version := object.GetResourceVersion(); version != "" && version != now.GetResourceVersion() {
			return apierrors.NewConflict(request.resource.GroupResource(), request.name.Name, errors.New("the object has been modified"))
		}
		if request.subresource == "status" {
			now.Object["status"] = object.Object["status"]
			return nil
		}
		uid := now.GetUID()
		now.Object = object.Object
		now.SetUID(uid)
		return nil
	})
}

// list answers with all objects that the selectors of a request choose.
func (r *Replica) list(request *request) (*unstructured.UnstructuredList, error) {
	matches, err := selection(request)
	if err != nil {
		return nil, err
	}
	objects, err := r.List(request.Context(), request.resource)
	if err != nil {
		return nil, err
	}
	list := &unstructured.UnstructuredList{Object: map[string]any{
		"apiVersion": request.resource.GroupVersion().String(), "kind": kindOf(request.resource).Kind + "List",
		"metadata": map[string]any{"resourceVersion": fmt.Sprint(r.Version())},
	}}
	for _, object := range objects {
		if matches(object) {
			list.Items = append(list.Items, *object)
		}
	}
	return list, nil
}

func read(request *request) (*unstructured.Unstructured, error) {
	if kind := request.Header.Get("Content-Type"); !strings.HasPrefix(kind, runtime.ContentTypeJSON) {
		return nil, badRequest("a body of %s cannot be read here, only JSON", kind)
	}
	data, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal(data, &object.Object); err != nil {
		return nil, badRequest("reading the body: %v", err)
	}
	return object, nil
}

func statusOf(err error) metav1.Status {
	var known apierrors.APIStatus
	if errors.As(err, &known) {
		status := known.Status()
		status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
		return status
	}
	return statusOf(apierrors.NewInternalError(err))
}

func respond(request *http.Request, code int, body io.ReadCloser) *http.Response {
	return &http.Response{
		Status: http.StatusText(code), StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {runtime.ContentTypeJSON}}, Body: body, ContentLength: -1, Request: request,
	}
}
