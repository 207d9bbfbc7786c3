package garbagecollector

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
)

// poll is how often the API server is asked for its kinds when nothing says that they have changed.
const poll = 30 * time.Second

// afterChange is when it is asked after a CustomResourceDefinition or an APIService has changed: a kind begins to be
// served some time after its definition says that it is.
var afterChange = []time.Duration{100 * time.Millisecond, time.Second, 4 * time.Second}

// monitors are the kinds that are watched now. They are the loops' catalogue.
type monitors struct {
	source  kinds.Source
	watches metadata.Interface
	graph   *graph
	cluster loop.Cluster
	log     logr.Logger

	// changed has a token when the server may have got or lost kinds.
	changed chan struct{}
	// begun is closed when the kinds have been listed for the first time.
	begun chan struct{}

	mu     sync.RWMutex
	byKind map[schema.GroupKind]*monitor
}

func newMonitors(source kinds.Source, watches metadata.Interface, graph *graph, log logr.Logger) *monitors {
	return &monitors{
		source:  source,
		watches: watches,
		graph:   graph,
		log:     log,
		changed: make(chan struct{}, 1),
		begun:   make(chan struct{}),
		byKind:  map[schema.GroupKind]*monitor{},
	}
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
	for _, kind := range ms.all() {
		if _, silent := failure.Groups[kind.GroupVersion()]; silent {
			wanted[kind.GroupVersionKind] = kind
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
		ms.graph.forget(m.kind.GroupVersionKind)
	}
}

// start watches a kind, unless it is watched.
func (ms *monitors) start(ctx context.Context, kind kinds.Kind) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if ms.byKind[kind.GroupKind()] != nil {
		return
	}
	m := newMonitor(kind, ms.graph, loopOf(kind.GroupVersionKind, ms).Reconciler(ms.cluster))
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
	for _, kind := range ms.all() {
		m := ms.of(kind.GroupVersionKind)
		if m == nil {
			continue
		}
		select {
		case <-m.read:
		case <-ctx.Done():
			ms.log.Info("not all kinds have been read; beginning without", "kind", kind.GroupKind().String())
			return
		}
	}
}

// of is the watch of a kind, or nil.
func (ms *monitors) of(kind schema.GroupVersionKind) *monitor {
	ms.mu.RLock()
	defer ms.mu.RUnlock()
	m := ms.byKind[kind.GroupKind()]
	if m == nil || m.kind.GroupVersionKind != kind {
		return nil
	}
	return m
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

func (ms *monitors) all() []kinds.Kind {
	ms.mu.RLock()
	defer ms.mu.RUnlock()
	all := make([]kinds.Kind, 0, len(ms.byKind))
	for _, m := range ms.byKind {
		all = append(all, m.kind)
	}
	return all
}

func (ms *monitors) died(uid types.UID) bool { return ms.graph.died(uid) }
