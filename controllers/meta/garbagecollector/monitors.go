package garbagecollector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// poll is how often the API server is asked for its kinds when nothing says that they have changed.
const poll = 30 * time.Second

// afterChange is when it is asked after a CustomResourceDefinition or an APIService has changed: a kind begins to be
// served some time after its definition says that it is.
var afterChange = []time.Duration{100 * time.Millisecond, time.Second, 4 * time.Second}

// patience is how long the first passes wait for all kinds to have been read. One that cannot be read holds the others up
// no longer.
const patience = 30 * time.Second

// monitors are the kinds that are watched now, into one graph. Together they are the cache that the loop reads from and is
// woken by.
type monitors struct {
	*graph
	source  kinds.Source
	watches metadata.Interface // nil until they are opened
	log     logr.Logger

	// changed has a token when the server may have got or lost kinds.
	changed chan struct{}
	// begun is closed when the kinds have been listed for the first time.
	begun chan struct{}
	queue workqueue.TypedRateLimitingInterface[reconcile.Request]

	mu     sync.RWMutex
	byKind map[schema.GroupKind]*monitor
}

var (
	_ catalogue  = (*monitors)(nil)
	_ loop.Cache = (*monitors)(nil)
)

func newMonitors(source kinds.Source) *monitors {
	return &monitors{
		graph:   newGraph(),
		source:  source,
		changed: make(chan struct{}, 1),
		begun:   make(chan struct{}),
		byKind:  map[schema.GroupKind]*monitor{},
	}
}

// open has a manager run the monitors.
func (ms *monitors) open(mgr manager.Manager) (loop.Cache, error) {
	if ms.watches != nil {
		return nil, errors.New("watching for a second manager: the graph is that of the first")
	}
	config := rest.CopyConfig(mgr.GetConfig())
	config.WarningHandler = rest.NoWarnings{} // it watches all kinds, those too that are deprecated
	watches, err := metadata.NewForConfigAndClient(config, mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("making a client for the metadata of all kinds: %w", err)
	}
	ms.watches, ms.log = watches, mgr.GetLogger().WithName(name)
	return ms, mgr.Add(manager.RunnableFunc(ms.run))
}

// Start is told of the queue of the loop.
func (ms *monitors) Start(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	ms.queue = queue
	return nil
}

// WaitForSync returns when all kinds that the server had at first have been read, or it has been waited long enough. Only then
// is the loop woken: an owner whose kind has not been read yet is no reason for a pass.
func (ms *monitors) WaitForSync(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ms.wait(ctx)
	ms.listen(func(at id) {
		ms.queue.Add(reconcile.Request{NamespacedName: Key(at.Kind.GroupKind(), at.ObjectKey)})
	})
	return nil
}

// run watches each kind that the server has, for as long as it has it, until ctx is done.
func (ms *monitors) run(ctx context.Context) error {
	defer ms.keep(nil)
	ms.sync(ctx)
	close(ms.begun)
	looks := []time.Duration{}
	for {
		next := poll
		if len(looks) > 0 {
			next, looks = looks[0], looks[1:]
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-ms.changed:
			timer.Stop()
			looks = afterChange
		case <-timer.C:
			ms.sync(ctx)
		}
	}
}

// sync starts and stops watches, so that they are those of the kinds that the server has. Those of groups that do not
// answer stay.
func (ms *monitors) sync(ctx context.Context) {
	listed, err := ms.source.Kinds(ctx)
	failure := &kinds.Failure{}
	switch {
	case err == nil:
	case errors.As(err, &failure) && len(listed) > 0:
		ms.log.Info("some groups of the API server did not answer; the kinds of all others are collected", "error", err.Error())
	default:
		ms.log.Error(err, "listing the kinds of the API server")
		return
	}
	wanted := map[schema.GroupVersionKind]kinds.Kind{}
	for _, kind := range listed {
		if collectable(kind) {
			wanted[kind.GroupVersionKind] = kind
		}
	}
	for _, m := range ms.all() {
		if _, silent := failure.Groups[m.kind.GroupVersion()]; silent {
			wanted[m.kind.GroupVersionKind] = m.kind
		}
	}
	ms.keep(wanted)
	for _, kind := range wanted {
		ms.start(ctx, kind)
	}
}

// collectable reports that objects of a kind can be seen and deleted, and may have owners.
func collectable(kind kinds.Kind) bool {
	return kind.Verbs.HasAll("delete", "list", "watch") && kind.GroupKind() != schema.GroupKind{Kind: "Event"}
}

// keep stops all watches but those of wanted kinds, and forgets what they saw.
func (ms *monitors) keep(wanted map[schema.GroupVersionKind]kinds.Kind) {
	ms.mu.Lock()
	var stopped []*monitor
	for name, m := range ms.byKind {
		if _, keep := wanted[m.kind.GroupVersionKind]; !keep {
			stopped = append(stopped, m)
			delete(ms.byKind, name)
		}
	}
	ms.mu.Unlock()
	for _, m := range stopped {
		m.stop()
		ms.forget(m.kind.GroupVersionKind)
	}
}

// start watches a kind, unless it is watched.
func (ms *monitors) start(ctx context.Context, kind kinds.Kind) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if ms.byKind[kind.GroupKind()] != nil {
		return
	}
	m := newMonitor(kind, ms.graph)
	if definesKinds(kind.GroupKind()) {
		m.touched = ms.kindsChanged
	}
	ms.byKind[kind.GroupKind()] = m
	m.start(ctx, ms.watches)
}

// definesKinds reports that objects of a kind give the server other kinds.
func definesKinds(kind schema.GroupKind) bool {
	return kind == schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"} ||
		kind == schema.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}
}

func (ms *monitors) kindsChanged() {
	select {
	case ms.changed <- struct{}{}:
	default:
	}
}

// wait returns when all kinds that the server had at first have been read, or ctx is done.
func (ms *monitors) wait(ctx context.Context) {
	select {
	case <-ms.begun:
	case <-ctx.Done():
		return
	}
	for _, m := range ms.all() {
		select {
		case <-m.read:
		case <-ctx.Done():
			ms.log.Info("not all kinds have been read; beginning without", "kind", m.kind.GroupKind().String())
			return
		}
	}
}

func (ms *monitors) find(name schema.GroupKind) (kind kinds.Kind, known, read bool) {
	ms.mu.RLock()
	defer ms.mu.RUnlock()
	m := ms.byKind[ms.source.Name(name)]
	if m == nil {
		m = ms.byKind[name]
	}
	if m == nil {
		return kinds.Kind{}, false, false
	}
	return m.kind, true, m.isRead()
}

func (ms *monitors) all() []*monitor {
	ms.mu.RLock()
	defer ms.mu.RUnlock()
	return slices.Collect(maps.Values(ms.byKind))
}
