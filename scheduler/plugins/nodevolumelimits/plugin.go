package nodevolumelimits

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// What the plugin reads.
//
// +kubebuilder:rbac:groups="",resources=persistentvolumes;persistentvolumeclaims,verbs=list;watch
// +kubebuilder:rbac:groups=storage.k8s.io,resources=storageclasses;csinodes;csidrivers;volumeattachments,verbs=list;watch
// +kubebuilder:rbac:groups=core.orrery.dev,resources=persistentvolumes;persistentvolumeclaims,verbs=list;watch
// +kubebuilder:rbac:groups=storage.orrery.dev,resources=storageclasses;csinodes;csidrivers;volumeattachments,verbs=list;watch

// Name is the plugin's name in configurations.
const Name = "NodeVolumeLimits"

const (
	reason                = "node(s) exceed max volume count"
	stateKey fwk.StateKey = "PreFilter" + Name
)

// Plugin reads all that leads from a pod to its volumes, and what the nodes can attach.
type Plugin struct {
	claims      corelisters.PersistentVolumeClaimLister
	volumes     corelisters.PersistentVolumeLister
	classes     storagelisters.StorageClassLister
	drivers     storagelisters.CSIDriverLister
	nodes       fwk.CSINodeLister
	attachments attachments
}

var (
	_ fwk.PreFilterPlugin   = &Plugin{}
	_ fwk.FilterPlugin      = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
)

// New returns the plugin. It takes no arguments.
func New(_ context.Context, _ runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	core, storage := handle.SharedInformerFactory().Core().V1(), handle.SharedInformerFactory().Storage().V1()
	attached, err := indexAttachments(storage.VolumeAttachments().Informer())
	if err != nil {
		return nil, err
	}
	return &Plugin{
		claims:      core.PersistentVolumeClaims().Lister(),
		volumes:     core.PersistentVolumes().Lister(),
		classes:     storage.StorageClasses().Lister(),
		drivers:     storage.CSIDrivers().Lister(),
		nodes:       handle.SharedCSIManager().CSINodes(),
		attachments: attached,
	}, nil
}

// Name returns the plugin's name.
func (*Plugin) Name() string { return Name }

// wanted are the volumes of the pod that is to be placed.
type wanted []attachable

// Clone returns the same: nothing changes it.
func (w wanted) Clone() fwk.StateData { return w }

// PreFilter finds the pod's volumes. It skips pods with none that could be a CSI driver's.
func (p *Plugin) PreFilter(_ context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	if !mayAttach(pod) {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	// What is wrong with a volume is said node by node: on some it may not matter.
	state.Write(stateKey, wanted(p.volumesOf(pod, required)))
	return nil, nil
}

// PreFilterExtensions returns nil: Filter reads the volumes in use from the node.
func (*Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter refuses a node that lacks one of the volumes' drivers where the driver asks for that, and one where a driver
// cannot attach as many more.
func (p *Plugin) Filter(_ context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	var all wanted
	if value, err := state.Read(stateKey); err == nil {
		all = value.(wanted)
	} else { // PreFilter is switched off in the profile.
		all = p.volumesOf(pod, required)
	}
	csiNode, err := p.nodes.Get(node.Node().Name)
	if err != nil {
		csiNode = nil // No driver has registered there.
	}
	added := set{}
	if err := added.add(all, csiNode); err != nil {
		return unresolved(err)
	}
	if len(added) == 0 {
		return nil
	}
	if status := p.checkDrivers(all, added, csiNode); !status.IsSuccess() {
		return status
	}
	limits := limitsOf(csiNode)
	if len(limits) == 0 {
		return nil
	}
	return p.checkLimits(limits, added, csiNode, node)
}

func unresolved(err error) *fwk.Status {
	if apierrors.IsNotFound(err) {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
	}
	return fwk.AsStatus(err)
}

// checkDrivers goes by the order in the pod, so that of several missing drivers the same is named each time.
func (p *Plugin) checkDrivers(all wanted, added set, csiNode *storagev1.CSINode) *fwk.Status {
	for _, volume := range all {
		if !added[volume.id] {
			continue
		}
		missing, err := p.isMissed(volume.id.driver, csiNode)
		if err != nil {
			return fwk.AsStatus(err)
		}
		if missing {
			return fwk.NewStatus(fwk.Unschedulable, volume.id.driver+" CSI driver is not installed on the node")
		}
	}
	return nil
}

func (p *Plugin) isMissed(driver string, csiNode *storagev1.CSINode) (bool, error) {
	if registered(driver, csiNode) {
		return false, nil
	}
	object, err := p.drivers.Get(driver)
	if apierrors.IsNotFound(err) {
		return false, nil // It may be no CSI driver at all.
	}
	if err != nil {
		return false, fmt.Errorf("getting CSIDriver %s: %w", driver, err)
	}
	prevent := object.Spec.PreventPodSchedulingIfMissing
	return prevent != nil && *prevent, nil
}

func (p *Plugin) checkLimits(limits map[string]int, added set, csiNode *storagev1.CSINode, node fwk.NodeInfo) *fwk.Status {
	attached := set{}
	for _, other := range node.GetPods() {
		if err := attached.add(p.volumesOf(other.GetPod(), tolerated), csiNode); err != nil {
			return fwk.AsStatus(err)
		}
	}
	more := added.without(attached).byDriver()
	lingering, err := p.attachments.on(node.Node().Name, p.volumes)
	if err != nil {
		return fwk.AsStatus(err)
	}
	for volume := range lingering {
		attached[volume] = true
	}
	now := attached.byDriver()
	for driver, count := range more {
		if limit, limited := limits[driver]; limited && now[driver]+count > limit {
			return fwk.NewStatus(fwk.Unschedulable, reason)
		}
	}
	return nil
}

// SignPod says that the volumes decide.
func (*Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.VolumesSignerName, Value: fwk.VolumesSigner(pod)}}, nil
}
