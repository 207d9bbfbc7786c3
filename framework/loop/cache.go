package loop

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// Cache is a cache of a loop's own, for what that of a manager is not made for, as the metadata of every kind there is. It
// is at once what wakes the loop: as a source it puts the keys into the queue that its changes concern, and holds the passes
// back until it has been filled. One that is an [activity.Cache] as well is waited for by whoever waits for the loop.
type Cache interface {
	client.Reader
	source.SyncingSource
}

// ReadsFrom gives the loop a cache of its own, from which it reads all that it would read from that of the manager. It is
// opened when the loop is added to a manager.
func ReadsFrom(open func(mgr manager.Manager) (Cache, error)) Option {
	return func(d *declaration) {
		d.openCache = open
		d.watches = append(d.watches, Watch{add: func(s surroundings) { s.builder.WatchesRawSource(s.own) }})
	}
}

// surroundingsIn are what a loop meets in a manager.
func (d *declaration) surroundingsIn(mgr manager.Manager) (surroundings, error) {
	s := surroundings{client: &lendingClient{Client: mgr.GetClient(), informers: mgr.GetCache()}}
	if d.openCache == nil {
		return s, nil
	}
	own, err := d.openCache(mgr)
	if err != nil {
		return s, err
	}
	s.own, s.client = own, readsFrom{Client: s.client, cache: own}
	return s, follow(mgr, own)
}

// readsFrom is a client that reads from another cache.
type readsFrom struct {
	client.Client
	cache client.Reader
}

func (r readsFrom) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	return r.cache.Get(ctx, key, obj, opts...)
}

func (r readsFrom) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	return r.cache.List(ctx, list, opts...)
}
