package simulate

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/scheduler"
)

// listensWithin is how long a scheduler is given to ask for pods before they are handed out, which only matters for their
// order.
const listensWithin = 5 * time.Second

// mostRemembered is more pods than a simulation has: every decision is remembered.
const mostRemembered = 1 << 30

// running is a scheduler on the copy that does something.
type running struct {
	scheduler *scheduler.Scheduler
	ended     chan error // what do returned
}

// start builds a scheduler on the copy and lets it do something, until ctx ends.
func (w *Simulation) start(ctx context.Context, do func(*scheduler.Scheduler) error) (*running, error) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		return nil, fmt.Errorf("building the simulated scheduler: %w", err)
	}
	inner, err := cluster.New(w.replica.Config(), func(o *cluster.Options) {
		o.Scheme = scheme
		o.Logger = w.options.Logger
		o.MapperProvider = func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return mapper(scheme), nil }
	})
	if err != nil {
		return nil, fmt.Errorf("building the simulated scheduler: %w", err)
	}
	listened := &listened{Cluster: inner, yes: make(chan struct{})}
	s, err := scheduler.New(scheduler.Options{
		Cluster: listened, Configuration: w.options.Configuration, Logger: &w.options.Logger, ExplainPods: mostRemembered,
	}, w.options.More...)
	if err != nil {
		return nil, err
	}
	result := &running{scheduler: s, ended: make(chan error, 1)}
	doing, giveUp := context.WithCancelCause(ctx)
	go func() { result.ended <- w.err(do(s)) }()
	go func() {
		select {
		case <-listened.yes:
		case <-time.After(listensWithin):
		case <-doing.Done():
		}
		giveUp(inner.Start(ctx))
	}()
	return result, nil
}

// mapper knows our kinds, without asking a server.
func mapper(scheme *runtime.Scheme) meta.RESTMapper {
	m := meta.NewDefaultRESTMapper(scheme.PrioritizedVersionsAllGroups())
	for _, kind := range apis.Kinds() {
		scope := meta.RESTScopeRoot
		if kind.Scope == apis.Namespaced {
			scope = meta.RESTScopeNamespace
		}
		m.AddSpecific(kind.GroupVersionKind(apis.Kubernetes), kind.GroupVersionResource(apis.Kubernetes), kind.GroupVersionResource(apis.Kubernetes), scope)
	}
	return m
}

// listened is a cluster that says when somebody listens to pods: a cache hands objects out in order only to those who came
// before it was started.
type listened struct {
	cluster.Cluster
	once sync.Once
	yes  chan struct{}
}

// GetCache returns the cluster's cache.
func (l *listened) GetCache() cache.Cache { return listenedCache{l.Cluster.GetCache(), l} }

type listenedCache struct {
	cache.Cache
	cluster *listened
}

func (c listenedCache) GetInformer(ctx context.Context, object client.Object, options ...cache.InformerGetOption) (cache.Informer, error) {
	informer, err := c.Cache.GetInformer(ctx, object, options...)
	if _, isPod := object.(*ocorev1.Pod); err != nil || !isPod {
		return informer, err
	}
	return listenedInformer{informer, c.cluster}, nil
}

type listenedInformer struct {
	cache.Informer
	cluster *listened
}

func (i listenedInformer) AddEventHandler(handler toolscache.ResourceEventHandler) (toolscache.ResourceEventHandlerRegistration, error) {
	defer i.cluster.once.Do(func() { close(i.cluster.yes) })
	return i.Informer.AddEventHandler(handler)
}
