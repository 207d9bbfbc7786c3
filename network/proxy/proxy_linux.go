package proxy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
	"sigs.k8s.io/knftables"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
)

// +kubebuilder:rbac:groups="";core.orrery.dev,resources=services,verbs=get;list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io;discovery.orrery.dev,resources=endpointslices,verbs=get;list;watch

const (
	// gather is how long events are collected before a pass: a rollout changes many slices in a row.
	gather = 20 * time.Millisecond
	// lookAgain is how often we see whether somebody else has removed our table.
	lookAgain = time.Minute
)

// Proxy keeps the kernel's table as Services and EndpointSlices want it.
type Proxy struct {
	options Options
	read    client.Reader
	nft     knftables.Interface
	applied *Table // what we last left in the kernel; nil when that is unknown
}

// New needs root and the nft program. It changes nothing yet.
func New(o Options, read client.Reader) (*Proxy, error) {
	nft, err := knftables.New(knftables.IPv4Family, tableName(o.Name))
	if err != nil {
		return nil, fmt.Errorf("starting the service proxy: using nftables (is the nft program installed?): %w", err)
	}
	return &Proxy{options: o, read: read, nft: nft}, nil
}

func tableName(name string) string { return "orrery-" + name + "-services" }

// SetupWithManager has the manager run the proxy. The manager's scheme says under which names Services and slices are read.
func (p *Proxy) SetupWithManager(mgr manager.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("service-proxy").
		Watches(&ocorev1.Service{}, enqueueOne{}).
		Watches(&odiscoveryv1.EndpointSlice{}, enqueueOne{}).
		WatchesRawSource(source.Func(func(_ context.Context, q queue) error {
			q.Add(reconcile.Request{}) // a first pass also where there is no service
			return nil
		})).
		WithOptions(controller.Options{NeedLeaderElection: ptr.To(false), SkipNameValidation: ptr.To(true)}).
		Complete(p)
}

// Reconcile is one pass.
func (p *Proxy) Reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	if err := p.Sync(ctx); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: lookAgain}, nil
}

// Sync observes, plans and acts once. It must not run twice at a time.
func (p *Proxy) Sync(ctx context.Context) error {
	world, err := observe(ctx, p.read, p.options)
	if err != nil {
		return err
	}
	if !p.present(ctx) {
		p.applied = nil
	}
	wanted := Plan(world)
	changed, err := apply(ctx, p.nft, p.applied, wanted)
	if err != nil && p.applied != nil {
		// Somebody may have changed the table: what we know of it is worth nothing.
		log.FromContext(ctx).Error(err, "replacing the whole table of the service proxy")
		p.applied = nil
		changed, err = apply(ctx, p.nft, nil, wanted)
	}
	if err != nil {
		return err
	}
	p.applied = wanted
	if !changed {
		return nil
	}
	if err := forget(world); err != nil {
		log.FromContext(ctx).Error(err, "UDP flows may go on to endpoints that are gone, until they have been quiet for some minutes")
	}
	return nil
}

// present says whether the kernel still holds the chains that we left there.
func (p *Proxy) present(ctx context.Context) bool {
	if p.applied == nil {
		return false
	}
	chains, err := p.nft.List(ctx, "chains")
	if err != nil {
		return false
	}
	slices.Sort(chains)
	return slices.EqualFunc(chains, p.applied.Chains, func(name string, chain Chain) bool { return name == chain.Name })
}

// Remove removes the table: services are no longer reachable from this node.
func (p *Proxy) Remove(ctx context.Context) error {
	tx := p.nft.NewTransaction()
	tx.Add(&knftables.Table{}) // deleting what is not there would be an error
	tx.Delete(&knftables.Table{})
	p.applied = nil
	if err := p.nft.Run(ctx, tx); err != nil {
		return fmt.Errorf("removing nftables table %s: %w", tableName(p.options.Name), err)
	}
	return nil
}

// enqueueOne asks for a pass, whatever happened to whatever object, a little later.
type enqueueOne struct{}

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

func (enqueueOne) Create(_ context.Context, _ event.CreateEvent, q queue) {
	q.AddAfter(reconcile.Request{}, gather)
}
func (enqueueOne) Update(_ context.Context, _ event.UpdateEvent, q queue) {
	q.AddAfter(reconcile.Request{}, gather)
}
func (enqueueOne) Delete(_ context.Context, _ event.DeleteEvent, q queue) {
	q.AddAfter(reconcile.Request{}, gather)
}
func (enqueueOne) Generic(_ context.Context, _ event.GenericEvent, q queue) {
	q.AddAfter(reconcile.Request{}, gather)
}
