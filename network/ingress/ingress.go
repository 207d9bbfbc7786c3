package ingress

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	onetworkingv1 "github.com/orrery-dev/orrery/apis/networking/v1"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/upkeep"
)

// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingresses,verbs=list;watch
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingresses/status,verbs=patch
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingressclasses,verbs=list;watch;create
// +kubebuilder:rbac:groups="",resources=services,verbs=list;watch
//
// Of Secrets those are read that Ingresses name, by their names.
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get

// The ports at which Ingresses are served.
const (
	httpPort  = 80
	httpsPort = 443
)

// Ingress routes requests to Services.
type Ingress struct {
	engine        *engine.Engine[engine.One, World, *node]
	node          *node
	plain, secure net.Listener
}

// loop is what the engine runs.
type loop struct {
	options    Options
	read, live client.Reader
	node       *node
}

var _ engine.Loop[engine.One, World, *node] = (*loop)(nil)

// Actor is the server.
func (l *loop) Actor(engine.One, World, engine.Turn) *node { return l.node }

// Plan is the loop's plan.
func (l *loop) Plan(_ engine.One, w World, _ time.Time) *engine.Plan[*node] { return Plan(w) }

// Listen listens where Ingresses are served, at the ports of HTTP and HTTPS.
func Listen(ctx context.Context, address netip.Addr) (plain, secure net.Listener, err error) {
	var listen net.ListenConfig
	if plain, err = listen.Listen(ctx, "tcp", netip.AddrPortFrom(address, httpPort).String()); err != nil {
		return nil, nil, fmt.Errorf("listening for requests to Ingresses: %w", err)
	}
	if secure, err = listen.Listen(ctx, "tcp", netip.AddrPortFrom(address, httpsPort).String()); err != nil {
		_ = plain.Close() // nobody has come yet
		return nil, nil, fmt.Errorf("listening for requests to Ingresses: %w", err)
	}
	return plain, secure, nil
}

// New makes what serves Ingresses at two listeners, which are closed when it ends. Secrets are read by live.
func New(o Options, c client.Client, live client.Reader, plain, secure net.Listener) *Ingress {
	log := ctrl.Log.WithName("ingress")
	n := &node{server: newServer(log), client: c}
	return &Ingress{node: n, plain: plain, secure: secure, engine: engine.New(&loop{o, c, live, n}, engine.Options[engine.One]{
		Name:       "ingress",
		Registerer: metrics.Registry,
		Log:        log,
	})}
}

// Inspector shows what the loop would do next, and what it did last.
func (i *Ingress) Inspector() engine.Inspector { return engine.Inspect(i.engine, engine.ParseOne) }

// Sync makes one pass. It must not run twice at a time, nor beside a manager that runs the loop.
func (i *Ingress) Sync(ctx context.Context) error { return i.engine.Pass(ctx, engine.One{}).Err }

// SetupWithManager has the manager run the loop and the server. The manager's scheme says under which names objects are read.
func (i *Ingress) SetupWithManager(mgr manager.Manager) error {
	return mgr.Add(&runner{i, &upkeep.Runner[World, *node]{
		For: "what requests are routed by", Engine: i.engine, Cache: mgr.GetCache(),
		Objects: []client.Object{&onetworkingv1.Ingress{}, &onetworkingv1.IngressClass{}, &ocorev1.Service{}},
	}})
}

// runner runs them in a manager.
type runner struct {
	*Ingress
	*upkeep.Runner[World, *node]
}

// Start serves until ctx ends.
func (r *runner) Start(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.Runner.Start(ctx) })
	group.Go(func() error { return r.node.server.run(ctx, r.plain, r.secure) })
	return group.Wait()
}
