// Package volumezone keeps a pod to the zones and regions of its volumes, as far as labels of the volumes name them. A
// label may name several, as in "a__b".
//
// Only volumes that are bound are looked at: where a volume will be that has yet to be found or made, VolumeBinding says.
// Volumes with a node affinity (all that CSI drivers make) do not need this plugin.
package volumezone

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/component-helpers/storage/volume"
	fwk "k8s.io/kube-scheduler/framework"
)

// What the plugin reads.
//
// +kubebuilder:rbac:groups="",resources=persistentvolumes;persistentvolumeclaims,verbs=list;watch
// +kubebuilder:rbac:groups=storage.k8s.io,resources=storageclasses,verbs=list;watch
// +kubebuilder:rbac:groups=core.orrery.dev,resources=persistentvolumes;persistentvolumeclaims,verbs=list;watch
// +kubebuilder:rbac:groups=storage.orrery.dev,resources=storageclasses,verbs=list;watch

// Name is the plugin's name in configurations.
const Name = "VolumeZone"

const (
	reason                = "node(s) had no available volume zone"
	stateKey fwk.StateKey = "PreFilter" + Name
)

// Plugin reads claims, volumes and storage classes.
type Plugin struct {
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
	classes storagelisters.StorageClassLister
}

var (
	_ fwk.PreFilterPlugin   = &Plugin{}
	_ fwk.FilterPlugin      = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
)

// New returns the plugin. It takes no arguments.
func New(_ context.Context, _ runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	factory := handle.SharedInformerFactory()
	return &Plugin{
		claims:  factory.Core().V1().PersistentVolumeClaims().Lister(),
		volumes: factory.Core().V1().PersistentVolumes().Lister(),
		classes: factory.Storage().V1().StorageClasses().Lister(),
	}, nil
}

// Name returns the plugin's name.
func (*Plugin) Name() string { return Name }

// PreFilter collects where the pod's volumes are; where none of them says so, there is nothing to filter.
func (p *Plugin) PreFilter(_ context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	places, status := p.placesOf(pod)
	if !status.IsSuccess() {
		return nil, status
	}
	if len(places) == 0 {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	state.Write(stateKey, places)
	return nil, nil
}

func (p *Plugin) placesOf(pod *corev1.Pod) (places, *fwk.Status) {
	var all places
	for i := range pod.Spec.Volumes {
		source := pod.Spec.Volumes[i].PersistentVolumeClaim
		if source == nil {
			continue
		}
		bound, status := p.volumeOf(pod.Namespace, source.ClaimName)
		if !status.IsSuccess() {
			return nil, status
		}
		if bound != nil {
			all = append(all, placesIn(bound.Labels)...)
		}
	}
	return all, nil
}

// volumeOf returns the volume of a claim, or nil where it is yet to be chosen with the node.
func (p *Plugin) volumeOf(namespace, name string) (*corev1.PersistentVolume, *fwk.Status) {
	if name == "" {
		return nil, hopeless("PersistentVolumeClaim had no name")
	}
	claim, err := p.claims.PersistentVolumeClaims(namespace).Get(name)
	if err != nil {
		return nil, unread(err)
	}
	if claim.Spec.VolumeName == "" {
		return nil, p.unbound(claim)
	}
	bound, err := p.volumes.Get(claim.Spec.VolumeName)
	if err != nil {
		return nil, unread(err)
	}
	return bound, nil
}

// unbound is fine where the claim's class waits for the first pod.
func (p *Plugin) unbound(claim *corev1.PersistentVolumeClaim) *fwk.Status {
	name := volume.GetPersistentVolumeClaimClass(claim)
	if name == "" {
		return hopeless("PersistentVolumeClaim had no pv name and storageClass name")
	}
	class, err := p.classes.Get(name)
	switch {
	case err != nil:
		return unread(err)
	case class.VolumeBindingMode == nil:
		return hopeless(fmt.Sprintf("VolumeBindingMode not set for StorageClass %q", name))
	case *class.VolumeBindingMode != storagev1.VolumeBindingWaitForFirstConsumer:
		return hopeless("PersistentVolume had no name")
	}
	return nil
}

func hopeless(reason string) *fwk.Status {
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, reason)
}

func unread(err error) *fwk.Status {
	if apierrors.IsNotFound(err) {
		return hopeless(err.Error())
	}
	return fwk.AsStatus(err)
}

// PreFilterExtensions returns nil: other pods do not matter.
func (*Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter refuses a node that is elsewhere than one of the volumes. A node whose labels name no place at all is taken to
// be everywhere.
func (p *Plugin) Filter(_ context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	var wanted places
	if value, err := state.Read(stateKey); err == nil {
		wanted = value.(places)
	} else { // PreFilter is switched off in the profile.
		var status *fwk.Status
		if wanted, status = p.placesOf(pod); !status.IsSuccess() {
			return status
		}
	}
	if !wanted.include(node.Node().Labels) {
		return hopeless(reason)
	}
	return nil
}

// SignPod says that the volumes decide.
func (*Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.VolumesSignerName, Value: fwk.VolumesSigner(pod)}}, nil
}
