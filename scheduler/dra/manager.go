package dra

import (
	"context"
	"fmt"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	resourcelisters "k8s.io/client-go/listers/resource/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/dynamic-resource-allocation/deviceclass/extendedresourcecache"
	slicetracker "k8s.io/dynamic-resource-allocation/resourceslice/tracker"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// What is read here. What is written, the plugin DynamicResources says.
//
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceclaims;resourceslices;deviceclasses;devicetaintrules,verbs=list;watch

// Manager is the SharedDRAManager of a scheduler. Where the API server does not serve resource.k8s.io, it knows nothing.
type Manager struct {
	claims   *Claims
	slices   *slicetracker.Tracker
	classes  classes
	resolver *extendedresourcecache.ExtendedResourceCache
	synced   []toolscache.InformerSynced
}

var _ fwk.SharedDRAManager = &Manager{}

// New returns a Manager that learns from the factory's informers; the caller starts them. What DeviceTaintRules say is
// applied to the ResourceSlices. The Manager ends with ctx.
func New(ctx context.Context, factory informers.SharedInformerFactory) (*Manager, error) {
	kinds := factory.Resource().V1()
	m := &Manager{
		claims:   NewClaims(),
		classes:  classes{kinds.DeviceClasses().Lister()},
		resolver: extendedresourcecache.NewExtendedResourceCache(klog.FromContext(ctx)),
	}
	claims, err := kinds.ResourceClaims().Informer().AddEventHandler(m.claims)
	if err != nil {
		return nil, fmt.Errorf("watching ResourceClaims: %w", err)
	}
	resolver, err := kinds.DeviceClasses().Informer().AddEventHandler(m.resolver)
	if err != nil {
		return nil, fmt.Errorf("watching DeviceClasses: %w", err)
	}
	m.slices, err = slicetracker.StartTracker(ctx, slicetracker.Options{
		EnableDeviceTaintRules:   true,
		EnableConsumableCapacity: true,
		SliceInformer:            kinds.ResourceSlices(),
		TaintInformer:            kinds.DeviceTaintRules(),
	})
	if err != nil {
		return nil, fmt.Errorf("watching ResourceSlices: %w", err)
	}
	m.synced = []toolscache.InformerSynced{claims.HasSynced, resolver.HasSynced, m.slices.HasSynced}
	return m, nil
}

// HasSynced reports whether the Manager knows all that there was when its informers were started.
func (m *Manager) HasSynced() bool {
	for _, synced := range m.synced {
		if !synced() {
			return false
		}
	}
	return true
}

// Listen makes a handler hear of changes of one kind, after they can be read from the Manager. It reports whether the
// kind is one that the Manager looks after. Call it before the informers are started.
func (m *Manager) Listen(kind fwk.EventResource, handler toolscache.ResourceEventHandler) (bool, error) {
	switch kind {
	case fwk.ResourceClaim:
		m.claims.Listen(handler)
	case fwk.DeviceClass:
		m.resolver.AddEventHandler(handler)
	case fwk.ResourceSlice:
		if _, err := m.slices.AddEventHandler(handler); err != nil {
			return true, fmt.Errorf("watching ResourceSlices: %w", err)
		}
	default:
		return false, nil
	}
	return true, nil
}

// ResourceClaims returns the claims as they are, or were decided to be.
func (m *Manager) ResourceClaims() fwk.ResourceClaimTracker { return m.claims }

// ResourceSlices returns what drivers offer.
func (m *Manager) ResourceSlices() fwk.ResourceSliceLister { return slices{m.slices} }

// DeviceClasses returns the classes.
func (m *Manager) DeviceClasses() fwk.DeviceClassLister { return m.classes }

// DeviceClassResolver returns which class stands for an extended resource.
func (m *Manager) DeviceClassResolver() fwk.DeviceClassResolver { return m.resolver }

type slices struct{ tracker *slicetracker.Tracker }

func (s slices) ListWithDeviceTaintRules() ([]*resourcev1.ResourceSlice, error) {
	return s.tracker.ListPatchedResourceSlices()
}

type classes struct {
	lister resourcelisters.DeviceClassLister
}

func (c classes) Get(name string) (*resourcev1.DeviceClass, error) { return c.lister.Get(name) }

func (c classes) List() ([]*resourcev1.DeviceClass, error) {
	return c.lister.List(labels.Everything())
}
