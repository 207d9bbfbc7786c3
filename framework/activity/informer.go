package activity

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/watchlist"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// NewInformer makes an informer, as the field of that name of a manager's cache.Options does.
type NewInformer = func(lw toolscache.ListerWatcher, example runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer

// Informers makes the same informers as another function, and waits for them: for the NewInformer of a manager's cache.Options. The
// scheme knows their kinds. Nil means client-go's informers.
func (t *Tracker) Informers(scheme *runtime.Scheme, make NewInformer) NewInformer {
	if make == nil {
		make = toolscache.NewSharedIndexInformer
	}
	if t == nil {
		return make
	}
	return func(lw toolscache.ListerWatcher, example runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
		kind, err := apiutil.GVKForObject(example, scheme)
		if err != nil {
			return make(lw, example, resync, indexers) // it fails as it would have
		}
		i := &informer{tracker: t, kind: kind.GroupKind(), lists: toolscache.ToListerWatcherWithContext(lw)}
		i.SharedIndexInformer = make(&watched{lw, i.lists, i}, example, resync, indexers)
		// One handler there is always, by which it is seen that the store has what was received.
		if _, err := i.AddEventHandler(toolscache.ResourceEventHandlerFuncs{}); err != nil {
			return i.SharedIndexInformer // it has been stopped before it began
		}
		return i
	}
}

// informer is one whose progress is known: what came by its watch, and what each of its handlers has been told.
type informer struct {
	toolscache.SharedIndexInformer
	tracker *Tracker
	kind    schema.GroupKind
	lists   toolscache.ListerWatcherWithContext

	mu       sync.Mutex
	running  context.Context // nil before it runs
	received uint64          // the revision of the last event of the watch, after the first list
	handlers []*handler      // the first is its own
	compared uint64          // the revision up to which the store was seen to hold what the API server does
}

var _ Cache = (*informer)(nil)

// RunWithContext runs the informer, for which is waited until it ends.
func (i *informer) RunWithContext(ctx context.Context) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	i.mu.Lock()
	i.running = ctx
	for _, h := range i.handlers {
		h.tellWhenSynced(ctx)
	}
	i.mu.Unlock()
	defer i.tracker.AddCache(i)()
	i.SharedIndexInformer.RunWithContext(ctx)
}

// Run runs the informer, for which is waited until it ends.
func (i *informer) Run(stop <-chan struct{}) { i.RunWithContext(wait.ContextForChannel(stop)) }

// Behind implements Cache.
func (i *informer) Behind(written Revisions) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	wanted := written.Of(i.kind)
	if i.toldAll() && (version(i.LastSyncResourceVersion()) >= wanted || i.compared >= wanted) {
		return ""
	}
	return "a cache of " + i.kind.String()
}

// toldAll reports whether all handlers have been told of what was received. The lock is held.
func (i *informer) toldAll() bool {
	for _, h := range i.handlers {
		if !h.shows(i.received, i.handlers[0]) {
			return false
		}
	}
	return true
}

// Compare implements Cache. What was written last may be of no concern to the informer: it may be for the objects of one namespace,
// or for those that a selector selects.
func (i *informer) Compare(ctx context.Context, written Revisions) {
	wanted := written.Of(i.kind)
	if wanted == 0 || version(i.LastSyncResourceVersion()) >= wanted || !i.holds(ctx, wanted) {
		return
	}
	i.mu.Lock()
	i.compared = max(i.compared, wanted)
	i.mu.Unlock()
	i.tracker.Changed()
}

// holds asks the API server whether the store has just what it has itself, at a revision or later.
func (i *informer) holds(ctx context.Context, revision uint64) bool {
	list, err := i.lists.ListWithContext(ctx, metav1.ListOptions{
		ResourceVersion: strconv.FormatUint(revision, 10), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	})
	if err != nil {
		return false
	}
	there := map[string]string{}
	_ = meta.EachListItem(list, func(item runtime.Object) error { // which fails for what is no list
		key, version := identify(item)
		there[key] = version
		return nil
	})
	stored := i.GetStore().List()
	return len(stored) == len(there) && !slices.ContainsFunc(stored, func(obj any) bool {
		key, version := identify(obj)
		return there[key] != version
	})
}

// identify is what an object is called, and its version.
func identify(obj any) (key, version string) {
	object, err := meta.Accessor(obj)
	if err != nil {
		return "", ""
	}
	return object.GetNamespace() + "/" + object.GetName(), object.GetResourceVersion()
}

// AddEventHandler adds a handler.
func (i *informer) AddEventHandler(h toolscache.ResourceEventHandler) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.add(h, i.SharedIndexInformer.AddEventHandler)
}

// AddEventHandlerWithResyncPeriod adds a handler.
func (i *informer) AddEventHandlerWithResyncPeriod(h toolscache.ResourceEventHandler, resync time.Duration) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.add(h, func(h toolscache.ResourceEventHandler) (toolscache.ResourceEventHandlerRegistration, error) {
		return i.SharedIndexInformer.AddEventHandlerWithResyncPeriod(h, resync)
	})
}

// AddEventHandlerWithOptions adds a handler.
func (i *informer) AddEventHandlerWithOptions(h toolscache.ResourceEventHandler, options toolscache.HandlerOptions) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.add(h, func(h toolscache.ResourceEventHandler) (toolscache.ResourceEventHandlerRegistration, error) {
		return i.SharedIndexInformer.AddEventHandlerWithOptions(h, options)
	})
}

func (i *informer) add(told toolscache.ResourceEventHandler, add func(toolscache.ResourceEventHandler) (toolscache.ResourceEventHandlerRegistration, error)) (toolscache.ResourceEventHandlerRegistration, error) {
	i.mu.Lock()
	h := &handler{ResourceEventHandler: told, tracker: i.tracker, joined: i.received}
	i.mu.Unlock()
	registration, err := add(h)
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	h.registration = registration
	i.handlers = append(i.handlers, h)
	if i.running != nil {
		h.tellWhenSynced(i.running)
	}
	return registration, nil
}

// RemoveEventHandler removes a handler.
func (i *informer) RemoveEventHandler(registration toolscache.ResourceEventHandlerRegistration) error {
	i.mu.Lock()
	i.handlers = slices.DeleteFunc(i.handlers, func(h *handler) bool { return h.registration == registration })
	i.mu.Unlock()
	return i.SharedIndexInformer.RemoveEventHandler(registration)
}

// receive notes the events of a watch. Those that stand for a first list are not told one by one.
func (i *informer) receive(listing bool) watch.FilterFunc {
	return func(event watch.Event) (watch.Event, bool) {
		switch event.Type {
		case watch.Added, watch.Modified, watch.Deleted:
			if !listing {
				i.mu.Lock()
				i.received = max(i.received, versionOf(event.Object))
				i.mu.Unlock()
			}
		case watch.Bookmark:
			if object, err := meta.Accessor(event.Object); err == nil && object.GetAnnotations()[metav1.InitialEventsAnnotationKey] == "true" {
				listing = false
			}
		case watch.Error:
		}
		return event, true
	}
}

// watched tells an informer of what comes by its watch.
type watched struct {
	toolscache.ListerWatcher
	toolscache.ListerWatcherWithContext
	informer *informer
}

var _ toolscache.ListerWatcherWithContext = (*watched)(nil)

// WatchWithContext watches.
func (w *watched) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	events, err := w.ListerWatcherWithContext.WatchWithContext(ctx, options)
	if err != nil {
		return nil, err
	}
	return watch.Filter(events, w.informer.receive(ptr.Deref(options.SendInitialEvents, false))), nil
}

// IsWatchListSemanticsUnSupported is asked by client-go, and spelled by it.
func (w *watched) IsWatchListSemanticsUnSupported() bool {
	return watchlist.DoesClientNotSupportWatchListSemantics(w.ListerWatcher)
}

// version reads a resourceVersion; 0 is none.
func version(text string) uint64 {
	number, _ := strconv.ParseUint(text, 10, 64) // what is no number is no version either
	return number
}

func versionOf(obj any) uint64 {
	object, err := meta.Accessor(obj)
	if err != nil {
		return 0
	}
	return version(object.GetResourceVersion())
}
