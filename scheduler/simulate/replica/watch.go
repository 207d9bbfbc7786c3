package replica

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/watch"
)

// watch answers with a stream of what happens to a kind, until the client ends it.
func (r *Replica) watch(request *request) (*http.Response, error) {
	stream, err := r.newStream(request)
	if err != nil {
		status := statusOf(err)
		body, err := json.Marshal(status)
		if err != nil {
			return nil, err
		}
		reader, writer := io.Pipe()
		go func() { _, err := writer.Write(body); _ = writer.CloseWithError(err) }() // a reader that has gone away needs nothing
		return respond(request.Request, int(status.Code), reader), nil
	}
	reader, writer := io.Pipe()
	stream.encoder = json.NewEncoder(writer)
	ctx, cancel := context.WithCancel(request.Context())
	go func() { _ = writer.CloseWithError(stream.run(ctx)) }() // it returns nil always
	context.AfterFunc(ctx, func() {
		_ = reader.Close() // it returns nil always
		r.mutex.Lock()
		defer r.mutex.Unlock()
		r.moved.Broadcast()
	})
	return respond(request.Request, http.StatusOK, body{reader, cancel}), nil
}

// body is that of a watch, which the client ends by closing it.
type body struct {
	io.ReadCloser
	end func()
}

func (b body) Close() error {
	b.end()
	return b.ReadCloser.Close()
}

// stream is one watch.
type stream struct {
	replica *Replica
	kind    *kind
	matches func(*unstructured.Unstructured) bool
	from    int64
	encoder *json.Encoder
}

func (r *Replica) newStream(request *request) (*stream, error) {
	matches, err := selection(request)
	if err != nil {
		return nil, err
	}
	query := request.URL.Query()
	if query.Get("sendInitialEvents") == "true" {
		// A list has an order, in which a scheduler meets the pods that are there; the start of a watch has none.
		return nil, apierrors.NewInvalid(schema.GroupKind{Kind: "ListOptions"}, "", field.ErrorList{
			field.Forbidden(field.NewPath("sendInitialEvents"), "is not known here; list first"),
		})
	}
	if _, err := r.List(request.Context(), request.resource); err != nil { // so that the kind is copied
		return nil, err
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	s := &stream{replica: r, kind: r.kinds[request.resource], matches: matches, from: r.version}
	if version, err := strconv.ParseInt(query.Get("resourceVersion"), 10, 64); err == nil && version > 0 {
		s.from = version
	}
	return s, nil
}

func (s *stream) run(ctx context.Context) error {
	for {
		changes := s.replica.since(s.kind, s.from, func() bool { return ctx.Err() != nil })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, change := range changes {
			s.from = change.version
			if s.matches(change.object) {
				if err := s.send(change.event, change.object); err != nil {
					return err
				}
			}
		}
	}
}

func (s *stream) send(event watch.EventType, object *unstructured.Unstructured) error {
	return s.encoder.Encode(map[string]any{"type": event, "object": object.Object})
}

// selection is what the namespace and the selectors of a request choose.
func selection(request *request) (func(*unstructured.Unstructured) bool, error) {
	byLabels, err := labels.Parse(request.URL.Query().Get("labelSelector"))
	if err != nil {
		return nil, badRequest("reading the label selector: %v", err)
	}
	byFields, err := fields.ParseSelector(request.URL.Query().Get("fieldSelector"))
	if err != nil {
		return nil, badRequest("reading the field selector: %v", err)
	}
	return func(object *unstructured.Unstructured) bool {
		if request.name.Namespace != "" && request.name.Namespace != object.GetNamespace() {
			return false
		}
		return byLabels.Matches(labels.Set(object.GetLabels())) && (byFields.Empty() || byFields.Matches(selectable(object)))
	}, nil
}

// selectable are the fields that pods, the only kind with any of its own here, can be chosen by.
func selectable(object *unstructured.Unstructured) fields.Set {
	set := fields.Set{"metadata.name": object.GetName(), "metadata.namespace": object.GetNamespace()}
	for _, path := range [][]string{{"spec", "nodeName"}, {"spec", "schedulerName"}, {"status", "phase"}} {
		value, _, _ := unstructured.NestedString(object.Object, path...)
		set[path[0]+"."+path[1]] = value
	}
	return set
}
