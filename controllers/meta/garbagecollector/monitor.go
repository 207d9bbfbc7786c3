package garbagecollector

import (
	"context"
	"fmt"
	"sync"

	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
)

// monitor watches the metadata of one kind into the graph. It is the store that client-go's reflector writes to, so that
// each object is in memory once.
type monitor struct {
	kind  kinds.Kind
	graph *graph
	// touched is called after every event; nil means that nobody asks.
	touched func()

	// reflector writes to it, once it is started.
	reflector *cache.Reflector
	// read is closed when all objects have been read once.
	read     chan struct{}
	readOnce sync.Once
	cancel   context.CancelFunc
	done     chan struct{}
}

func newMonitor(kind kinds.Kind, graph *graph) *monitor {
	return &monitor{kind: kind, graph: graph, read: make(chan struct{}), done: make(chan struct{})}
}

func (m *monitor) start(ctx context.Context, watches metadata.Interface) {
	ctx, m.cancel = context.WithCancel(ctx)
	objects := watches.Resource(m.kind.GroupVersionResource())
	m.reflector = cache.NewReflectorWithOptions(
		loop.CurrentLists(cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
				return objects.List(ctx, options)
			},
			WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
				return objects.Watch(ctx, options)
			},
		}, watches)),
		&metav1.PartialObjectMetadata{}, m,
		cache.ReflectorOptions{Name: name, TypeDescription: m.kind.GroupKind().String()},
	)
	go func() {
		defer close(m.done)
		m.reflector.RunWithContext(ctx)
	}()
}

// stop ends the watch and waits for its end.
func (m *monitor) stop() {
	m.cancel()
	<-m.done
}

func (m *monitor) isRead() bool {
	select {
	case <-m.read:
		return true
	default:
		return false
	}
}

// Add is called by the reflector for a new object.
func (m *monitor) Add(obj any) error { return m.Update(obj) }

// Update is called by the reflector for an object that has changed.
func (m *monitor) Update(obj any) error {
	n, err := m.node(obj)
	if err != nil {
		return err
	}
	m.graph.put(n)
	m.touch()
	return nil
}

// Delete is called by the reflector for an object that has been deleted.
func (m *monitor) Delete(obj any) error {
	n, err := m.node(obj)
	if err != nil {
		return err
	}
	m.graph.drop(n.id)
	m.touch()
	return nil
}

// Replace is called by the reflector with all objects there are.
func (m *monitor) Replace(objs []any, _ string) error {
	nodes := make([]*node, len(objs))
	for i, obj := range objs {
		n, err := m.node(obj)
		if err != nil {
			return err
		}
		nodes[i] = n
	}
	m.graph.replace(m.kind.GroupVersionKind, nodes)
	m.readOnce.Do(func() { close(m.read) })
	m.touch()
	return nil
}

// Resync has nothing to do: nothing here is forgotten.
func (m *monitor) Resync() error { return nil }

func (m *monitor) node(obj any) (*node, error) {
	metadata, err := meta.Accessor(obj)
	if err != nil {
		return nil, fmt.Errorf("reading the metadata of a %s: %w", m.kind.GroupKind(), err)
	}
	return nodeOf(m.kind.GroupVersionKind, metadata), nil
}

func (m *monitor) touch() {
	if m.touched != nil {
		m.touched()
	}
}
