package proxy

import (
	"context"
	"errors"
	"fmt"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/knftables"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/nft"
	"github.com/orrery-dev/orrery/network/upkeep"
)

// +kubebuilder:rbac:groups="";core.orrery.dev,resources=services,verbs=list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io;discovery.orrery.dev,resources=endpointslices,verbs=list;watch
// +kubebuilder:rbac:groups="";core.orrery.dev,resources=nodes,verbs=list;watch

// Proxy keeps the kernel's table as Services and EndpointSlices want it.
type Proxy struct {
	loop   *loop
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
	table, err := nft.New(knftables.InetFamily, TableName(o.Name))
	if err != nil {
		return nil, fmt.Errorf("starting the service proxy: %w", err)
	}
	if err := measured.register(); err != nil {
		return nil, fmt.Errorf("starting the service proxy: %w", err)
	}
	return newProxy(o, read, table, conntrack{}), nil
}

func newProxy(o Options, read client.Reader, table *nft.Client, flows flows) *Proxy {
	n := &node{table: table, flows: flows, flowsDue: true, healths: healthPorts{ports: map[int32]*healthPort{}}}
	l := &loop{o, read, n}
	return &Proxy{loop: l, node: n, engine: engine.New(l, engine.Options[engine.One]{
		Name:       "proxy",
		Registerer: metrics.Registry,
		Log:        ctrl.Log.WithName("proxy"),
	})}
}

// Inspector shows what the proxy would do next, and what it did last.
func (p *Proxy) Inspector() engine.Inspector { return engine.Inspect(p.engine, engine.ParseOne) }

// SetupWithManager has the manager run the proxy. The manager's scheme says under which names Services and slices are read.
func (p *Proxy) SetupWithManager(mgr manager.Manager) error {
	return errors.Join(mgr.Add(p.runner(mgr.GetCache())), mgr.Add(manager.RunnableFunc(p.serve)))
}

// runner runs the proxy in a manager.
func (p *Proxy) runner(informers cache.Cache) *upkeep.Runner[World, *node] {
	return &upkeep.Runner[World, *node]{
		For: "the service proxy", Engine: p.engine, Table: p.node.table,
		Cache: informers, Objects: []client.Object{&ocorev1.Service{}, &odiscoveryv1.EndpointSlice{}, &ocorev1.Node{}},
		Concerns: p.loop.options.concerns,
	}
}

// Sync makes one pass. It must not run twice at a time, nor beside a manager that runs the proxy.
func (p *Proxy) Sync(ctx context.Context) error { return p.engine.Pass(ctx, engine.One{}).Err }

// Remove removes the table, and closes health check node ports: services are no longer reachable from this node.
func (p *Proxy) Remove(ctx context.Context) error {
	return errors.Join(p.node.table.Remove(ctx), p.node.healths.close())
}
