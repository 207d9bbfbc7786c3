package announcer

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/upkeep"
)

// +kubebuilder:rbac:groups="";core.orrery.dev,resources=services;nodes,verbs=list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io;discovery.orrery.dev,resources=endpointslices,verbs=list;watch

// Announcer answers for the addresses that this machine is elected for.
type Announcer struct {
	engine  *engine.Engine[engine.One, World, answers]
	machine *machine
}

// loop is what the engine runs.
type loop struct {
	options Options
	read    client.Reader
	machine *machine
}

var _ engine.Loop[engine.One, World, answers] = (*loop)(nil)

// Actor is this machine.
func (l *loop) Actor(engine.One, World, engine.Turn) answers { return l.machine }

// Plan is the loop's plan.
func (l *loop) Plan(_ engine.One, w World, _ time.Time) *engine.Plan[answers] { return Plan(w) }

// Observe reads the world. Objects are the cache's own and not copied: a plan changes none.
func (l *loop) Observe(ctx context.Context, _ engine.Look, _ engine.One) (World, error) {
	var services ocorev1.ServiceList
	var slices odiscoveryv1.EndpointSliceList
	var nodes ocorev1.NodeList
	for _, list := range []client.ObjectList{&services, &slices, &nodes} {
		if err := l.read.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return World{}, fmt.Errorf("listing what is to be announced: %w", err)
		}
	}
	w := World{Options: l.options, Present: l.machine.present()}
	for i := range services.Items {
		w.Services = append(w.Services, (*corev1.Service)(&services.Items[i]))
	}
	for i := range slices.Items {
		w.Slices = append(w.Slices, (*discoveryv1.EndpointSlice)(&slices.Items[i]))
	}
	for i := range nodes.Items {
		w.Nodes = append(w.Nodes, (*corev1.Node)(&nodes.Items[i]))
	}
	var err error
	w.Links, err = l.machine.links()
	return w, err
}

// New needs the right to open raw sockets. It answers for nothing yet.
func New(o Options, read client.Reader) *Announcer {
	m := &machine{responders: map[string]*responder{}}
	return &Announcer{machine: m, engine: engine.New(&loop{o, read, m}, engine.Options[engine.One]{
		Name:       "announcer",
		Registerer: metrics.Registry,
		Log:        ctrl.Log.WithName("announcer"),
	})}
}

// Inspector shows what the loop would do next, and what it did last.
func (a *Announcer) Inspector() engine.Inspector { return engine.Inspect(a.engine, engine.ParseOne) }

// SetupWithManager has the manager run the loop. The manager's scheme says under which names objects are read.
func (a *Announcer) SetupWithManager(mgr manager.Manager) error {
	return mgr.Add(&runner{a, &upkeep.Runner[World, answers]{
		For: "addresses to announce", Engine: a.engine, Cache: mgr.GetCache(),
		Objects: []client.Object{&ocorev1.Service{}, &odiscoveryv1.EndpointSlice{}, &ocorev1.Node{}}, Concerns: concerns,
	}})
}

// Sync makes one pass. It must not run twice at a time, nor beside a manager that runs the loop.
func (a *Announcer) Sync(ctx context.Context) error { return a.engine.Pass(ctx, engine.One{}).Err }

// Close falls silent about everything.
func (a *Announcer) Close() error { return a.machine.silence() }

// runner runs the loop in a manager, and falls silent when it ends.
type runner struct {
	*Announcer
	*upkeep.Runner[World, answers]
}

// Start runs until ctx ends.
func (r *runner) Start(ctx context.Context) error {
	return errors.Join(r.Runner.Start(ctx), r.Close())
}
