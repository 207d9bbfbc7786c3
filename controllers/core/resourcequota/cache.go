package resourcequota

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// reading is how long a pass waits for the objects of a kind that nobody has counted before.
const reading = 5 * time.Second

// metadataCache holds the metadata of the kinds that quotas count, from when one first does, and wakes the loop for those quotas. All
// else it reads from the cache of the manager.
type metadataCache struct {
	source kinds.Source
	shared client.Reader
	own    cache.Cache // nil until it is opened
	log    logr.Logger
	queue  workqueue.TypedRateLimitingInterface[reconcile.Request]

	mu    sync.Mutex
	found map[schema.GroupResource]kinds.Kind
	// watched are the kinds whose changes wake the loop.
	watched map[schema.GroupVersionKind]bool
}

var (
	_ catalogue  = (*metadataCache)(nil)
	_ loop.Cache = (*metadataCache)(nil)
)

func newCache(source kinds.Source) *metadataCache {
	return &metadataCache{source: source, found: map[schema.GroupResource]kinds.Kind{}, watched: map[schema.GroupVersionKind]bool{}}
}

// open has a manager run the cache. It reads as the loop, not as the manager.
func (c *metadataCache) open(mgr manager.Manager) (loop.Cache, error) {
	if c.own != nil {
		return nil, errors.New("watching for a second manager: the cache is that of the first")
	}
	own, err := cache.New(mgr.GetConfig(), cache.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
		NewInformer: loop.InformersIn(mgr), DefaultTransform: bareMetadata,
	})
	if err != nil {
		return nil, fmt.Errorf("making a cache of what quotas count: %w", err)
	}
	c.own, c.shared, c.log = own, mgr.GetCache(), mgr.GetLogger().WithName(name)
	return c, mgr.Add(own)
}

// bareMetadata is what has to be held of an object to count it.
func bareMetadata(obj any) (any, error) {
	counted, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return obj, nil
	}
	counted.ObjectMeta = metav1.ObjectMeta{
		Namespace: counted.Namespace, Name: counted.Name, UID: counted.UID, ResourceVersion: counted.ResourceVersion,
	}
	return counted, nil
}

// Start is told of the queue of the loop.
func (c *metadataCache) Start(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	c.queue = queue
	return nil
}

// WaitForSync does not wait: what is read of a kind is waited for when it is first asked for.
func (c *metadataCache) WaitForSync(context.Context) error { return nil }

func (c *metadataCache) Get(ctx context.Context, key client.ObjectKey, obj client.Object, options ...client.GetOption) error {
	return c.shared.Get(ctx, key, obj, options...)
}

// List lists metadata from the cache's own, and all else from that of the manager.
func (c *metadataCache) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	counted, ok := list.(*metav1.PartialObjectMetadataList)
	if !ok {
		return c.shared.List(ctx, list, options...)
	}
	limited, cancel := context.WithTimeout(ctx, reading)
	defer cancel()
	if err := c.watch(limited, counted.GroupVersionKind()); err != nil {
		return err
	}
	return c.own.List(ctx, list, options...)
}

// find remembers a kind once it has been found: a definition that goes takes its objects with it, so that they are counted to the end.
func (c *metadataCache) find(ctx context.Context, resource schema.GroupResource) (kinds.Kind, bool, error) {
	if kind, known := c.remembered(resource); known {
		return kind, true, nil
	}
	all, err := c.source.Kinds(ctx)
	c.remember(all)
	if kind, known := c.remembered(resource); known || err == nil {
		return kind, known, nil
	}
	return kinds.Kind{}, false, err
}

func (c *metadataCache) remembered(resource schema.GroupResource) (kinds.Kind, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kind, known := c.found[resource]
	return kind, known
}

func (c *metadataCache) remember(all []kinds.Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, kind := range all {
		if countable(kind) {
			c.found[kind.GroupVersionResource().GroupResource()] = kind
		}
	}
}

// countable reports that quotas can limit how many objects of a kind there are. Events they never did.
func countable(kind kinds.Kind) bool {
	isEvent := kind.Resource == "events" && (kind.Group == "" || kind.Group == "events.k8s.io")
	return kind.Namespaced && !isEvent && kind.Verbs.HasAll("create", "list", "watch", "delete")
}

// watch has the objects of a kind wake the loop, from now on, and waits until they have been read.
func (c *metadataCache) watch(ctx context.Context, list schema.GroupVersionKind) error {
	kind := list.GroupVersion().WithKind(strings.TrimSuffix(list.Kind, "List"))
	obj := &metav1.PartialObjectMetadata{}
	obj.SetGroupVersionKind(kind)
	informer, err := c.own.GetInformer(ctx, obj)
	if err != nil {
		return fmt.Errorf("reading all %s: %w", kind.GroupKind(), err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watched[kind] {
		return nil
	}
	resource, known := c.resourceOf(kind)
	if !known {
		return fmt.Errorf("watching %s: no quota can name it", kind.GroupKind())
	}
	wake := func(obj any) { c.wake(resource, obj) }
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{AddFunc: wake, DeleteFunc: wake}); err != nil {
		return fmt.Errorf("watching %s: %w", kind.GroupKind(), err)
	}
	c.watched[kind] = true
	return nil
}

// resourceOf is the resource that a kind has been found by.
func (c *metadataCache) resourceOf(kind schema.GroupVersionKind) (schema.GroupResource, bool) {
	for resource, found := range c.found {
		if found.GroupVersionKind == kind {
			return resource, true
		}
	}
	return schema.GroupResource{}, false
}

// wake wakes the loop for the quotas that count an object.
func (c *metadataCache) wake(resource schema.GroupResource, changed any) {
	if last, missed := changed.(toolscache.DeletedFinalStateUnknown); missed {
		changed = last.Obj
	}
	obj, ok := changed.(client.Object)
	if !ok {
		return
	}
	keys, err := quotasOn(context.Background(), c.shared, resource, obj.GetNamespace())
	if err != nil { // the next count of everything sees it
		c.log.Error(err, "Finding out which quotas count an object", "object", client.ObjectKeyFromObject(obj), "resource", resource.String())
		return
	}
	for _, key := range keys {
		c.queue.Add(reconcile.Request{NamespacedName: key})
	}
}
