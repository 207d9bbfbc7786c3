package objects

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// betweenWatches is the wait after a watch that ended, as each does after some minutes, or could not be had.
const betweenWatches = 5 * time.Second

// Changed is told of an object that became another one than was read: it was changed, made or deleted. It must not block.
type Changed func(kind, namespace, name string)

// watches is what following objects needs.
type watches struct {
	ctx     context.Context
	client  client.WithWatch
	changed Changed
	group   sync.WaitGroup
}

// Watch has the source follow each ConfigMap and Secret that is read from now on, until ctx ends: a node may watch only the objects
// that its own pods name, each by itself, as the kubelet does. The function that it returns waits until nothing is followed any more.
func (s *Source) Watch(ctx context.Context, client client.WithWatch, changed Changed) (wait func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watches = &watches{ctx: ctx, client: client, changed: changed}
	return s.watches.group.Wait
}

// watch follows an object from a version on; "" where it was not there. The lock is held.
func (s *Source) watch(k key, known *answer, version string) {
	if s.watches == nil || s.watches.ctx.Err() != nil || listOf(k.kind) == nil {
		return
	}
	ctx, cancel := context.WithCancel(s.watches.ctx)
	known.unwatch = cancel
	s.watches.group.Go(func() {
		defer cancel()
		s.follow(ctx, k, version)
	})
}

// follow watches an object until ctx ends. Between two watches answers get old, and objects are read again.
func (s *Source) follow(ctx context.Context, k key, version string) {
	for {
		var err error
		if version == "" {
			version, err = s.list(ctx, k)
		}
		if err == nil {
			s.listen(ctx, k, version)
		}
		version = "" // whatever is missed meanwhile is in the next list
		s.update(k, func(known *answer) bool { known.watched = false; return false })
		select {
		case <-time.After(betweenWatches):
		case <-ctx.Done():
			return
		}
	}
}

// listOf is an empty list of a kind; nil for one that is not watched.
func listOf(kind string) client.ObjectList {
	switch kind {
	case "ConfigMap":
		return &corev1.ConfigMapList{}
	case "Secret":
		return &corev1.SecretList{}
	default:
		return nil
	}
}

func only(k key, version string) []client.ListOption {
	return []client.ListOption{
		client.InNamespace(k.namespace), client.MatchingFields{"metadata.name": k.name},
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: version}},
	}
}

// list reads the object as it is now, and returns the version from which it can be watched.
func (s *Source) list(ctx context.Context, k key) (string, error) {
	found := listOf(k.kind)
	if err := s.watches.client.List(ctx, found, only(k, "")...); err != nil {
		return "", err
	}
	var object client.Object
	err := meta.EachListItem(found, func(item runtime.Object) error {
		object, _ = item.(client.Object)
		return nil
	})
	s.tell(k, object)
	return found.GetResourceVersion(), err
}

// listen tells of changes until the watch ends.
func (s *Source) listen(ctx context.Context, k key, version string) {
	events, err := s.watches.client.Watch(ctx, listOf(k.kind), only(k, version)...)
	if err != nil {
		return
	}
	defer events.Stop()
	s.update(k, func(known *answer) bool { known.watched = true; return false })
	for event := range events.ResultChan() {
		object, _ := event.Object.(client.Object)
		switch event.Type {
		case watch.Added, watch.Modified:
			s.tell(k, object)
		case watch.Deleted:
			s.tell(k, nil)
		case watch.Error:
			return
		}
	}
}

// tell keeps what the object is now, and says so if it was another one.
func (s *Source) tell(k key, object client.Object) {
	s.update(k, func(known *answer) bool {
		same := object == nil && known.object == nil ||
			object != nil && known.object != nil && object.GetUID() == known.object.GetUID() && object.GetResourceVersion() == known.object.GetResourceVersion()
		if object != nil {
			object.SetManagedFields(nil)
		}
		known.object, known.read = object, s.clock.Now()
		return !same
	})
}

// update changes an answer that is kept, and tells if the change says so.
func (s *Source) update(k key, change func(*answer) (tell bool)) {
	s.mu.Lock()
	known := s.kept[k]
	tell := known != nil && change(known)
	s.mu.Unlock()
	if tell {
		s.watches.changed(k.kind, k.namespace, k.name)
	}
}
