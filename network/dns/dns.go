package dns

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/framework/engine"
)

// What the plugin kubernetes reads. Pods only where the Corefile says "pods verified".
// +kubebuilder:rbac:groups="",resources=services;namespaces;pods,verbs=list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=list;watch
//
// What the loop writes, and where it says what is wrong with it.
// +kubebuilder:rbac:groups="",namespace=kube-system,resources=configmaps,resourceNames=coredns,verbs=list;watch
// +kubebuilder:rbac:groups="",namespace=kube-system,resources=configmaps;services,verbs=create
// +kubebuilder:rbac:groups=discovery.k8s.io,namespace=kube-system,resources=endpointslices,verbs=create;update;delete
// +kubebuilder:rbac:groups=events.k8s.io,namespace=kube-system,resources=events,verbs=create;patch

// lookAgain is how often it is looked whether this machine has other resolvers. It is one short file.
const lookAgain = 5 * time.Second

// DNS answers the questions of one node's pods.
type DNS struct {
	engine *engine.Engine[engine.One, world, *node]
	node   *node
	// Ready is closed once the first Corefile is loaded.
	ready chan struct{}
}

// loop is what the engine runs.
type loop struct{ node *node }

var _ engine.Loop[engine.One, world, *node] = (*loop)(nil)

// Actor is the server.
func (l *loop) Actor(engine.One, world, engine.Turn) *node { return l.node }

// Cache is what a manager that runs DNS has to hold in its cache, and nothing besides: three objects.
func Cache() map[client.Object]cache.ByObject {
	only := func(name string) cache.ByObject {
		return cache.ByObject{Namespaces: map[string]cache.Config{
			metav1.NamespaceSystem: {FieldSelector: fields.OneTermEqualSelector("metadata.name", name)},
		}}
	}
	return map[client.Object]cache.ByObject{
		&corev1.ConfigMap{}: only(configMapName),
		&ocorev1.Service{}:  only(serviceName),
		&odiscoveryv1.EndpointSlice{}: {Namespaces: map[string]cache.Config{
			metav1.NamespaceSystem: {LabelSelector: labels.SelectorFromSet(labels.Set{discoveryv1.LabelManagedBy: managedBy})},
		}},
	}
}

// New makes the DNS of a node, to be run by mgr, whose cache holds what Cache says. It listens from when it runs.
func New(o Options, mgr manager.Manager) (*DNS, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	log := ctrl.Log.WithName("dns")
	s, err := newServer(o, log)
	if err != nil {
		return nil, err
	}
	d := &DNS{ready: make(chan struct{})}
	d.node = &node{
		server: s, client: mgr.GetClient(), live: mgr.GetAPIReader(),
		events: mgr.GetEventRecorder("dns"), loaded: sync.OnceFunc(func() { close(d.ready) }),
	}
	d.engine = engine.New(&loop{d.node}, engine.Options[engine.One]{Name: "dns", Registerer: metrics.Registry, Log: log})
	if err := mgr.Add(&runner{d, mgr.GetCache()}); err != nil {
		return nil, fmt.Errorf("adding DNS to its manager: %w", err)
	}
	return d, nil
}

// Ready is closed once questions are answered.
func (d *DNS) Ready() <-chan struct{} { return d.ready }

// Inspector shows what the loop would do next, and what it did last.
func (d *DNS) Inspector() engine.Inspector { return engine.Inspect(d.engine, engine.ParseOne) }

// Address is where questions are answered.
func (d *DNS) Address() string { return d.node.server.address() }

// Problem is what a user has to know of, as that a Corefile was refused; nil if all is well.
func (d *DNS) Problem() error { return d.node.server.problem() }

// runner runs DNS in a manager: in every process, for each has a node of its own.
type runner struct {
	*DNS
	cache cache.Cache
}

func (*runner) NeedLeaderElection() bool { return false }

// Start makes a first pass also where there is nothing yet.
func (r *runner) Start(ctx context.Context) error {
	for _, watched := range []client.Object{&corev1.ConfigMap{}, &ocorev1.Service{}, &odiscoveryv1.EndpointSlice{}} {
		if err := r.watch(ctx, watched); err != nil {
			return err
		}
	}
	var watching sync.WaitGroup
	watching.Go(func() { r.watchResolvers(ctx) })
	r.engine.Wake(engine.One{})
	r.engine.Run(ctx)
	watching.Wait()
	return r.node.server.close()
}

// watch wakes the loop whatever happens to an object that the cache holds.
func (r *runner) watch(ctx context.Context, watched client.Object) error {
	informer, err := r.cache.GetInformer(ctx, watched)
	if err != nil {
		return fmt.Errorf("watching for DNS: %w", err)
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { r.engine.Wake(engine.One{}) },
		UpdateFunc: func(any, any) { r.engine.Wake(engine.One{}) },
		DeleteFunc: func(any) { r.engine.Wake(engine.One{}) },
	})
	return err
}

// watchResolvers wakes the loop when this machine has other resolvers, as after it has moved to another network.
func (r *runner) watchResolvers(ctx context.Context) {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	last := nameservers(r.node.server.options.ResolvConf)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if now := nameservers(r.node.server.options.ResolvConf); !slices.Equal(now, last) {
				last = now
				r.engine.Wake(engine.One{})
			}
		}
	}
}
