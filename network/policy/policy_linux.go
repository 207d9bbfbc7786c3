package policy

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/knftables"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	onetworkingv1 "github.com/orrery-dev/orrery/apis/networking/v1"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/nft"
	"github.com/orrery-dev/orrery/network/upkeep"
)

// +kubebuilder:rbac:groups=networking.k8s.io;networking.orrery.dev,resources=networkpolicies,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch
// +kubebuilder:rbac:groups="";core.orrery.dev,resources=pods,verbs=list;watch

// Enforcer keeps the kernel's table as NetworkPolicies want it.
type Enforcer struct {
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

// Actor is the node's table, and its gate.
func (l *loop) Actor(engine.One, World, engine.Turn) *node { return l.node }

// New needs root and the nft program. It changes nothing yet.
func New(o Options, read client.Reader) (*Enforcer, error) {
	table, err := nft.New(knftables.InetFamily, TableName(o.Name))
	if err != nil {
		return nil, fmt.Errorf("starting to enforce network policies: %w", err)
	}
	return newEnforcer(o, read, table), nil
}

func newEnforcer(o Options, read client.Reader, table *nft.Client) *Enforcer {
	if o.Gate == nil {
		o.Gate = NewGate()
	}
	n := &node{table, o.Gate}
	return &Enforcer{node: n, engine: engine.New(&loop{o, read, n}, engine.Options[engine.One]{
		Name:       "network-policy",
		Registerer: metrics.Registry,
		Log:        ctrl.Log.WithName("network-policy"),
	})}
}

// Inspector shows what would change next, and what did last.
func (e *Enforcer) Inspector() engine.Inspector { return engine.Inspect(e.engine, engine.ParseOne) }

// SetupWithManager has the manager run the enforcer. The manager's scheme says under which names objects are read.
func (e *Enforcer) SetupWithManager(mgr manager.Manager) error {
	return mgr.Add(e.runner(mgr.GetCache()))
}

func (e *Enforcer) runner(informers cache.Cache) *upkeep.Runner[World, *node] {
	e.node.gate.open(func() { e.engine.Wake(engine.One{}) })
	return &upkeep.Runner[World, *node]{
		For: "network policies", Engine: e.engine, Table: e.node.table,
		Cache: informers, Objects: []client.Object{&onetworkingv1.NetworkPolicy{}, &corev1.Namespace{}, &ocorev1.Pod{}},
	}
}

// Sync makes one pass. It must not run twice at a time, nor beside a manager that runs the enforcer.
func (e *Enforcer) Sync(ctx context.Context) error { return e.engine.Pass(ctx, engine.One{}).Err }

// Remove removes the table: no policy holds on this node any more.
func (e *Enforcer) Remove(ctx context.Context) error { return e.node.table.Remove(ctx) }
