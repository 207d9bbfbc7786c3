package routes

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/engine"
)

// +kubebuilder:rbac:groups="";core.orrery.dev,resources=nodes,verbs=list;watch

// gather is how long events are collected before a pass: several nodes come at once.
const gather = 20 * time.Millisecond

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
	w.Present, err = l.kernel.routes(func(to netip.Prefix) bool { return inside(to, l.options.ClusterCIDR) })
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
	return mgr.Add(&runner{r, mgr.GetCache()})
}

// Sync makes one pass. It must not run twice at a time, nor beside a manager that runs the loop.
func (r *Routes) Sync(ctx context.Context) error { return r.engine.Pass(ctx, engine.One{}).Err }

// runner runs the loop in a manager: in every process, for each has a machine of its own.
type runner struct {
	*Routes
	cache cache.Cache
}

func (*runner) NeedLeaderElection() bool { return false }

// Start makes a first pass also where there is no Node.
func (r *runner) Start(ctx context.Context) error {
	informer, err := r.cache.GetInformer(ctx, &ocorev1.Node{})
	if err != nil {
		return fmt.Errorf("watching Nodes for routes: %w", err)
	}
	wake := func() { r.engine.WakeAfter(engine.One{}, gather) }
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { wake() },
		UpdateFunc: func(was, is any) {
			if concerns(was, is) {
				wake()
			}
		},
		DeleteFunc: func(any) { wake() },
	}); err != nil {
		return fmt.Errorf("watching Nodes for routes: %w", err)
	}
	r.engine.Wake(engine.One{})
	r.engine.Run(ctx)
	return nil
}

// concerns says that a Node was changed in what routes depend on. Most changes are heartbeats.
func concerns(was, is any) bool {
	before, ok := was.(*ocorev1.Node)
	after, okay := is.(*ocorev1.Node)
	if !ok || !okay {
		return true
	}
	return internalIP((*corev1.Node)(before)) != internalIP((*corev1.Node)(after)) ||
		fmt.Sprint(before.Spec.PodCIDRs) != fmt.Sprint(after.Spec.PodCIDRs)
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
