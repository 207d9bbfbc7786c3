package proxy

import (
	"context"
	"fmt"
	"sync"
	"time"

	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/nft"
)

// +kubebuilder:rbac:groups="";core.orrery.dev,resources=services,verbs=list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io;discovery.orrery.dev,resources=endpointslices,verbs=list;watch

const (
	// gather is how long events are collected before a pass: a rollout changes many slices in a row.
	gather = 20 * time.Millisecond
	// lookAgain is how often the kernel is asked whether somebody has changed nftables. It is one short question.
	lookAgain = time.Second
)

// Proxy keeps the kernel's table as Services and EndpointSlices want it.
type Proxy struct {
	engine *engine.Engine[engine.One, World, *node]
	node   *node
}

// loop is what the engine runs.
type loop struct {
	options Options
	read    client.Reader
	node    *node
}

var _ engine.Loop[engine.One, World, *node] = (*loop)(nil)

// Actor is the node's kernel.
func (l *loop) Actor(engine.One, World, engine.Turn) *node { return l.node }

// New needs root and the nft program. It changes nothing yet.
func New(o Options, read client.Reader) (*Proxy, error) {
	table, err := nft.New(family, TableName(o.Name))
	if err != nil {
		return nil, fmt.Errorf("starting the service proxy: %w", err)
	}
	return newProxy(o, read, table, conntrack{}), nil
}

func newProxy(o Options, read client.Reader, table *nft.Client, flows flows) *Proxy {
	n := &node{table: table, flows: flows}
	n.flowsDue.Store(true)
	return &Proxy{node: n, engine: engine.New(&loop{o, read, n}, engine.Options[engine.One]{
		Name:       "proxy",
		Registerer: metrics.Registry,
		Log:        ctrl.Log.WithName("proxy"),
	})}
}

// Inspector shows what the proxy would do next, and what it did last.
func (p *Proxy) Inspector() engine.Inspector { return engine.Inspect(p.engine, engine.ParseOne) }

// SetupWithManager has the manager run the proxy. The manager's scheme says under which names Services and slices are read.
func (p *Proxy) SetupWithManager(mgr manager.Manager) error {
	return mgr.Add(&runner{p, mgr.GetCache()})
}

// Sync makes one pass. It must not run twice at a time, nor beside a manager that runs the proxy.
func (p *Proxy) Sync(ctx context.Context) error { return p.engine.Pass(ctx, engine.One{}).Err }

// Remove removes the table: services are no longer reachable from this node.
func (p *Proxy) Remove(ctx context.Context) error { return p.node.table.Remove(ctx) }

// runner runs a proxy in a manager: in every process, for each has a node of its own.
type runner struct {
	*Proxy
	cache cache.Cache
}

func (*runner) NeedLeaderElection() bool { return false }

// Start makes a first pass also where there is no Service.
func (r *runner) Start(ctx context.Context) error {
	for _, watched := range []client.Object{&ocorev1.Service{}, &odiscoveryv1.EndpointSlice{}} {
		if err := r.watch(ctx, watched); err != nil {
			return err
		}
	}
	var watching sync.WaitGroup
	watching.Go(func() { r.watchTable(ctx) })
	r.engine.Wake(engine.One{})
	r.engine.Run(ctx)
	watching.Wait()
	return nil
}

// watch wakes the proxy, a little later, whatever happens to whatever object of a kind.
func (r *runner) watch(ctx context.Context, watched client.Object) error {
	informer, err := r.cache.GetInformer(ctx, watched)
	if err != nil {
		return fmt.Errorf("watching for the service proxy: %w", err)
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { r.engine.WakeAfter(engine.One{}, gather) },
		UpdateFunc: func(any, any) { r.engine.WakeAfter(engine.One{}, gather) },
		DeleteFunc: func(any) { r.engine.WakeAfter(engine.One{}, gather) },
	})
	return err
}

// watchTable wakes the proxy when somebody else has changed nftables.
func (r *runner) watchTable(ctx context.Context) {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if changed, err := r.node.table.Changed(); changed || err != nil { // the pass will meet the error, and report it
				r.engine.Wake(engine.One{})
			}
		}
	}
}
