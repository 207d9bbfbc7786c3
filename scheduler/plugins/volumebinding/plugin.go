package volumebinding

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// What the plugin reads and writes.
//
// +kubebuilder:rbac:groups="",resources=persistentvolumes;persistentvolumeclaims,verbs=list;watch;update
// +kubebuilder:rbac:groups=storage.k8s.io,resources=storageclasses;csinodes;csidrivers;csistoragecapacities,verbs=list;watch
// +kubebuilder:rbac:groups=core.orrery.dev,resources=persistentvolumes;persistentvolumeclaims,verbs=list;watch;update
// +kubebuilder:rbac:groups=storage.orrery.dev,resources=storageclasses;csinodes;csidrivers;csistoragecapacities,verbs=list;watch

// Name is the plugin's name in configurations.
const Name = "VolumeBinding"

const defaultBindTimeout = 600 * time.Second

// API is what the plugin needs of the API server besides informers, whatever the names in use.
type API interface {
	// Pod returns a pod as the API server last showed it, or nil when it is gone.
	Pod(namespace, name string) *corev1.Pod
	// Node returns a node as the API server last showed it, or nil when it is gone.
	Node(name string) *corev1.Node
	// UpdateVolume and UpdateClaim write an object, unless it has changed meanwhile, and return it as it is then.
	UpdateVolume(context.Context, *corev1.PersistentVolume) (*corev1.PersistentVolume, error)
	UpdateClaim(context.Context, *corev1.PersistentVolumeClaim) (*corev1.PersistentVolumeClaim, error)
}

// Plugin reads volumes and claims through caches of those that are assumed for pods.
type Plugin struct {
	api         API
	assumed     *assumeCaches
	snapshot    fwk.SharedLister
	csiNodes    fwk.CSINodeLister
	classes     storagelisters.StorageClassLister
	drivers     storagelisters.CSIDriverLister
	capacities  storagelisters.CSIStorageCapacityLister
	bindTimeout time.Duration
	shape       shape
}

var (
	_ fwk.PreFilterPlugin   = &Plugin{}
	_ fwk.FilterPlugin      = &Plugin{}
	_ fwk.PreScorePlugin    = &Plugin{}
	_ fwk.ScorePlugin       = &Plugin{}
	_ fwk.ReservePlugin     = &Plugin{}
	_ fwk.PreBindPlugin     = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
)

// Factory returns a factory of the plugin for one scheduler. Its arguments are VolumeBindingArgs, or nil for the
// defaults. All profiles share the caches, so that two of them never assume the same volume.
func Factory(api API) framework.Factory {
	var once sync.Once
	var shared *assumeCaches
	var failed error
	return func(_ context.Context, args runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
		p := &Plugin{api: api, snapshot: handle.SnapshotSharedLister(), bindTimeout: defaultBindTimeout, shape: emptiest}
		if err := p.configure(args); err != nil {
			return nil, err
		}
		core, storage := handle.SharedInformerFactory().Core().V1(), handle.SharedInformerFactory().Storage().V1()
		once.Do(func() {
			shared, failed = newAssumeCaches(core.PersistentVolumes().Informer(), core.PersistentVolumeClaims().Informer())
		})
		if failed != nil {
			return nil, failed
		}
		p.assumed = shared
		p.csiNodes = handle.SharedCSIManager().CSINodes()
		p.classes = storage.StorageClasses().Lister()
		p.drivers = storage.CSIDrivers().Lister()
		p.capacities = storage.CSIStorageCapacities().Lister()
		return p, nil
	}
}

func (p *Plugin) configure(args runtime.Object) error {
	if args == nil {
		return nil
	}
	typed, ok := args.(*configv1.VolumeBindingArgs)
	if !ok {
		return fmt.Errorf("reading arguments: expected VolumeBindingArgs, got %T", args)
	}
	if typed.BindTimeoutSeconds != nil {
		p.bindTimeout = time.Duration(*typed.BindTimeoutSeconds) * time.Second
	}
	if len(typed.Shape) > 0 {
		p.shape = typed.Shape
	}
	return nil
}

// Name returns the plugin's name.
func (*Plugin) Name() string { return Name }

// SignPod says that the volumes decide.
func (*Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.VolumesSignerName, Value: fwk.VolumesSigner(pod)}}, nil
}
