package loop

import (
	"context"
	"sync"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// relays are the event handlers by which loops that are added together hear of changes: one for each informer. An informer brings each
// handler an event through two goroutines. Of a pod thirty loops want to hear, of whom one has something to do, and to wake all of them
// would cost several times what the event itself does.
type relays struct {
	mu         sync.Mutex
	ofInformer map[toolscache.SharedIndexInformer]*relay
}

func newRelays() *relays { return &relays{ofInformer: map[toolscache.SharedIndexInformer]*relay{}} }

// join has a handler hear of what an informer holds, and of what happens from now on.
func (r *relays) join(informer toolscache.SharedIndexInformer, handler toolscache.ResourceEventHandler, options toolscache.HandlerOptions) (toolscache.ResourceEventHandlerRegistration, error) {
	shared, err := r.of(informer, options)
	if err != nil {
		return nil, err
	}
	shared.join(handler, informer.GetStore())
	return shared.registration, nil
}

// of is the relay of an informer, which begins with the first handler.
func (r *relays) of(informer toolscache.SharedIndexInformer, options toolscache.HandlerOptions) (*relay, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.ofInformer[informer]; known != nil {
		return known, nil
	}
	shared := &relay{}
	var err error
	if shared.registration, err = informer.AddEventHandlerWithOptions(shared, options); err != nil {
		return nil, err
	}
	r.ofInformer[informer] = shared
	return shared, nil
}

// relay is one handler of an informer that tells many, one after another. They are those of controller-runtime's sources, which put keys
// into queues, and so are quick.
type relay struct {
	registration toolscache.ResourceEventHandlerRegistration

	mu       sync.Mutex // is held while handlers are told
	handlers []toolscache.ResourceEventHandler
}

var _ toolscache.ResourceEventHandler = (*relay)(nil)

// join tells a handler of what there is, and from then on of what happens. What has got into the store but not yet here is told once
// more, which to a loop is nothing new; nothing is left out, since an informer stores before it tells.
func (r *relay) join(handler toolscache.ResourceEventHandler, store toolscache.Store) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, obj := range store.List() {
		handler.OnAdd(obj, true)
	}
	r.handlers = append(r.handlers, handler)
}

func (r *relay) tell(of func(toolscache.ResourceEventHandler)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, handler := range r.handlers {
		of(handler)
	}
}

// OnAdd implements toolscache.ResourceEventHandler.
func (r *relay) OnAdd(obj any, isInInitialList bool) {
	r.tell(func(h toolscache.ResourceEventHandler) { h.OnAdd(obj, isInInitialList) })
}

// OnUpdate implements toolscache.ResourceEventHandler.
func (r *relay) OnUpdate(before, after any) {
	r.tell(func(h toolscache.ResourceEventHandler) { h.OnUpdate(before, after) })
}

// OnDelete implements toolscache.ResourceEventHandler.
func (r *relay) OnDelete(obj any) {
	r.tell(func(h toolscache.ResourceEventHandler) { h.OnDelete(obj) })
}

// relaying is a manager, as a loop's sources know it that hear of changes through relays.
type relaying struct {
	manager.Manager
	relays *relays
}

func (m relaying) GetCache() cache.Cache { return relayedCache{m.Manager.GetCache(), m.relays} }

// relayedCache is a cache whose informers are heard through relays, but for those that are several in one.
type relayedCache struct {
	cache.Cache
	relays *relays
}

func (c relayedCache) GetInformer(ctx context.Context, obj client.Object, options ...cache.InformerGetOption) (cache.Informer, error) {
	informer, err := c.Cache.GetInformer(ctx, obj, options...)
	if one, ok := informer.(toolscache.SharedIndexInformer); ok && err == nil {
		return relayedInformer{one, c.relays}, nil
	}
	return informer, err
}

type relayedInformer struct {
	toolscache.SharedIndexInformer
	relays *relays
}

// AddEventHandlerWithOptions is how the sources of controller-runtime join.
func (i relayedInformer) AddEventHandlerWithOptions(handler toolscache.ResourceEventHandler, options toolscache.HandlerOptions) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.relays.join(i.SharedIndexInformer, handler, options)
}
