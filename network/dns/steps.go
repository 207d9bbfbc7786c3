package dns

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/recorder"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/framework/engine"
)

// node is what steps act with.
type node struct {
	server *server
	client client.Client
	// live reads what the cache may not have seen yet.
	live   client.Reader
	events recorder.EventRecorder
	// loaded is called after each Corefile that was loaded or refused.
	loaded func()
}

// named is an object in words.
func named(object client.Object) string {
	kind := "ConfigMap"
	switch object.(type) {
	case *corev1.Service:
		kind = "Service"
	case *discoveryv1.EndpointSlice:
		kind = "EndpointSlice"
	}
	return kind + " " + object.GetNamespace() + "/" + object.GetName()
}

// ours is an object by the type under which the scheme knows its kind.
func ours(object client.Object) client.Object {
	switch object := object.DeepCopyObject().(type) {
	case *corev1.Service:
		return (*ocorev1.Service)(object)
	case *discoveryv1.EndpointSlice:
		return (*odiscoveryv1.EndpointSlice)(object)
	case client.Object:
		return object
	}
	return nil
}

// outdated is the error of a write that was planned for what is no longer so.
func outdated(doing string, object client.Object, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s %s: %w", doing, named(object), err)
	if apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return engine.Retry(err)
	}
	return err
}

// create makes an object that is not there.
type create struct {
	object client.Object
	why    string
}

func (s *create) Verb() string   { return "create" }
func (s *create) String() string { return "create " + named(s.object) }
func (s *create) Why() string    { return s.why }

// Do takes an address that is in use for that of the object itself if it is there: where the cache has not seen it yet, or another
// node's server was faster, that is what the API server says first.
func (s *create) Do(ctx context.Context, n *node) error {
	err := outdated("creating", s.object, n.client.Create(ctx, ours(s.object)))
	if service, is := s.object.(*corev1.Service); is && apierrors.IsInvalid(err) {
		var there ocorev1.ServiceList // listed, since it is no right of ours to get it
		listed := n.live.List(ctx, &there, client.InNamespace(service.Namespace), client.MatchingFields{"metadata.name": service.Name})
		if listed == nil && len(there.Items) > 0 {
			return engine.Retry(err)
		}
	}
	return err
}

// update writes an object that is there.
type update struct {
	object client.Object
	why    string
}

func (s *update) Verb() string   { return "update" }
func (s *update) String() string { return "update " + named(s.object) }
func (s *update) Why() string    { return s.why }

func (s *update) Do(ctx context.Context, n *node) error {
	return outdated("updating", s.object, n.client.Update(ctx, ours(s.object)))
}

// remove deletes an object of ours.
type remove struct {
	object client.Object
	why    string
}

func (s *remove) Verb() string   { return "delete" }
func (s *remove) String() string { return "delete " + named(s.object) }
func (s *remove) Why() string    { return s.why }

func (s *remove) Do(ctx context.Context, n *node) error {
	return outdated("deleting", s.object, client.IgnoreNotFound(n.client.Delete(ctx, ours(s.object))))
}

// load has the server run a setup. Where it cannot and runs nothing yet, it runs the Corefile that was there at first: a broken
// one must not take the names of the whole cluster away.
type load struct {
	setup setup
	from  *corev1.ConfigMap // whose Corefile it is; nil for the one that was there at first
	why   string
}

func (s *load) Verb() string   { return "load" }
func (s *load) String() string { return "load the Corefile" }
func (s *load) Why() string    { return s.why }

// Do keeps what runs when the Corefile is refused, and tells its writer. Other errors may pass, and it is tried again.
func (s *load) Do(_ context.Context, n *node) error {
	err := n.server.load(s.setup)
	refused := refusal{}
	if !errors.As(err, &refused) {
		if err == nil {
			n.loaded()
		}
		return err
	}
	keeps := "the one before is kept"
	if running, _ := n.server.known(); running == (setup{}) {
		keeps = "the default one is used"
		if failed := n.server.loadInstead(setup{DefaultCorefile(n.server.options.Domain), s.setup.upstreams}); failed != nil {
			return failed
		}
	}
	if s.from != nil {
		n.events.Eventf(s.from, nil, corev1.EventTypeWarning, "CorefileRefused", "Load", "The Corefile is not used, and %s: %s", keeps, err)
	}
	n.loaded()
	return engine.Stop(fmt.Errorf("loading the Corefile of ConfigMap kube-system/coredns: %w: %s", err, keeps))
}
