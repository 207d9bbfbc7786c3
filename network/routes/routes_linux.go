package routes

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/overlay"
	"github.com/orrery-dev/orrery/network/upkeep"
)

// +kubebuilder:rbac:groups="";core.orrery.dev,resources=nodes,verbs=list;watch

// Routes keeps this machine's routes to the pods of other nodes.
type Routes struct {
	engine *engine.Engine[engine.One, World, table]
}

// loop is what the engine runs.
type loop struct {
	options Options
	read    client.Reader
	kernel  kernel
}

var _ engine.Loop[engine.One, World, table] = (*loop)(nil)

// Actor is the kernel's routing table.
func (l *loop) Actor(engine.One, World, engine.Turn) table { return l.kernel }

// Plan is the loop's plan.
func (l *loop) Plan(_ engine.One, w World, _ time.Time) *engine.Plan[table] { return Plan(w) }

// Observe reads the world. Objects are the cache's own and not copied: a plan changes none.
func (l *loop) Observe(ctx context.Context, _ engine.Look, _ engine.One) (World, error) {
	var nodes ocorev1.NodeList
	if err := l.read.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return World{}, fmt.Errorf("listing Nodes: %w", err)
	}
	w := World{Options: l.options}
	for i := range nodes.Items {
		w.Nodes = append(w.Nodes, (*corev1.Node)(&nodes.Items[i]))
	}
	var err error
	if w.Links, err = l.kernel.links(); err != nil {
		return World{}, err
	}
	if four := ipfamily.IPv4.Range(l.options.ClusterCIDRs); four.IsValid() {
		if w.Tunnel, err = overlay.Read(overlay.Name(four)); err != nil {
			return World{}, err
		}
	}
	w.Present, err = l.kernel.routes(l.options.holds)
	return w, err
}

// New needs the right to change routes. It changes nothing yet.
func New(o Options, read client.Reader) *Routes {
	return &Routes{engine.New(&loop{options: o, read: read}, engine.Options[engine.One]{
		Name:       "routes",
		Registerer: metrics.Registry,
		Log:        ctrl.Log.WithName("routes"),
	})}
}

// Inspector shows what the loop would do next, and what it did last.
func (r *Routes) Inspector() engine.Inspector { return engine.Inspect(r.engine, engine.ParseOne) }

// SetupWithManager has the manager run the loop. The manager's scheme says under which name Nodes are read.
func (r *Routes) SetupWithManager(mgr manager.Manager) error {
	return mgr.Add(&upkeep.Runner[World, table]{
		For: "routes", Engine: r.engine, Cache: mgr.GetCache(), Objects: []client.Object{&ocorev1.Node{}}, Concerns: concerns,
	})
}

// Sync makes one pass. It must not run twice at a time, nor beside a manager that runs the loop.
func (r *Routes) Sync(ctx context.Context) error { return r.engine.Pass(ctx, engine.One{}).Err }

// concerns says that a Node was changed in what routes depend on. Most changes are heartbeats.
func concerns(was, is any) bool {
	before, ok := was.(*ocorev1.Node)
	after, okay := is.(*ocorev1.Node)
	if !ok || !okay {
		return true
	}
	moved := slices.ContainsFunc(ipfamily.All, func(f ipfamily.Family) bool {
		return internalIP(f, (*corev1.Node)(before)) != internalIP(f, (*corev1.Node)(after))
	})
	return moved || !slices.Equal(before.Spec.PodCIDRs, after.Spec.PodCIDRs)
}

// Trim leaves of a Node what routes depend on. It is the transform of a cache that nobody else reads.
func Trim(object any) (any, error) {
	node, ok := object.(*ocorev1.Node)
	if !ok {
		return object, nil
	}
	trimmed := &ocorev1.Node{TypeMeta: node.TypeMeta}
	trimmed.Name, trimmed.UID, trimmed.ResourceVersion, trimmed.CreationTimestamp = node.Name, node.UID, node.ResourceVersion, node.CreationTimestamp
	trimmed.Spec.PodCIDR, trimmed.Spec.PodCIDRs = node.Spec.PodCIDR, node.Spec.PodCIDRs
	trimmed.Status.Addresses = node.Status.Addresses
	return trimmed, nil
}
