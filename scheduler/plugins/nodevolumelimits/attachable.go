package nodevolumelimits

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/storage/ephemeral"
	"k8s.io/component-helpers/storage/volume"
	csitranslation "k8s.io/csi-translation-lib"
	csiplugins "k8s.io/csi-translation-lib/plugins"
	"k8s.io/klog/v2"

	"github.com/orrery-dev/orrery/scheduler/volumeclaims"
)

// attachable is a volume of a pod that a CSI driver attaches to nodes.
type attachable struct {
	id identity
	// migrated means that the driver stands in for a plugin that used to be part of Kubernetes.
	migrated bool
	// err means that the volume cannot be told, and id is empty.
	err error
}

// need says what a claim that is not there means.
type need bool

const (
	required  need = true  // The pod cannot run without it.
	tolerated need = false // The pod runs already; its volume is not counted.
)

var translator = csitranslation.New()

// successors are the plugins whose volumes CSI drivers attach now.
var successors = map[string]bool{
	csiplugins.AWSEBSInTreePluginName:    true,
	csiplugins.AzureDiskInTreePluginName: true,
	csiplugins.CinderInTreePluginName:    true,
	csiplugins.GCEPDInTreePluginName:     true,
	csiplugins.PortworxVolumePluginName:  true,
}

// mayAttach reports whether any volume of the pod could be a CSI driver's.
func mayAttach(pod *corev1.Pod) bool {
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if volume.PersistentVolumeClaim != nil || volume.Ephemeral != nil || translator.IsInlineMigratable(volume) {
			return true
		}
	}
	return false
}

func (p *Plugin) volumesOf(pod *corev1.Pod, need need) []attachable {
	var all []attachable
	for i := range pod.Spec.Volumes {
		source := &pod.Spec.Volumes[i]
		var found attachable
		var counts bool
		if source.PersistentVolumeClaim == nil && source.Ephemeral == nil {
			found, counts = inline(source, pod.Namespace)
		} else {
			found, counts = p.claimed(pod, source, need)
		}
		if counts {
			all = append(all, found)
		}
	}
	return all
}

// inline finds the driver of a volume that the pod names directly.
func inline(source *corev1.Volume, namespace string) (attachable, bool) {
	if !translator.IsInlineMigratable(source) {
		return attachable{}, false
	}
	plugin, err := translator.GetInTreePluginNameFromSpec(nil, source)
	if err != nil {
		return attachable{err: fmt.Errorf("finding the plugin of volume %s: %w", source.Name, err)}, true
	}
	if !successors[plugin] {
		return attachable{}, false
	}
	translated, err := translator.TranslateInTreeInlineVolumeToCSI(klog.Background(), source, namespace)
	if err != nil {
		return attachable{migrated: true, err: fmt.Errorf("translating volume %s to CSI: %w", source.Name, err)}, true
	}
	driver, err := translator.GetCSINameFromInTreeName(plugin)
	if err != nil {
		return attachable{migrated: true, err: fmt.Errorf("finding the CSI driver for %s: %w", plugin, err)}, true
	}
	if translated.Spec.CSI == nil {
		return attachable{}, false
	}
	return attachable{id: identity{driver: driver, handle: translated.Spec.CSI.VolumeHandle}, migrated: true}, true
}

// claimed finds the driver of a volume behind a claim, also of the claim that an ephemeral volume is given.
func (p *Plugin) claimed(pod *corev1.Pod, source *corev1.Volume, need need) (attachable, bool) {
	name, _ := volumeclaims.Of(pod, source)
	if name == "" {
		return attachable{err: errors.New("PersistentVolumeClaim had no name")}, true
	}
	claim, err := p.claims.PersistentVolumeClaims(pod.Namespace).Get(name)
	if err != nil {
		return attachable{err: fmt.Errorf("looking up PVC %s/%s: %w", pod.Namespace, name, err)}, bool(need)
	}
	if source.PersistentVolumeClaim == nil {
		if err := ephemeral.VolumeIsForPod(pod, claim); err != nil {
			return attachable{err: err}, true
		}
	}
	found := p.behind(claim)
	return found, found.id.driver != "" && (found.id.handle != "" || found.id.claim != "")
}

// behind finds the volume of a claim, or, where there is none yet, the driver that will make it. It is empty where no
// driver attaches the volume.
func (p *Plugin) behind(claim *corev1.PersistentVolumeClaim) attachable {
	if claim.Spec.VolumeName != "" {
		if bound, err := p.volumes.Get(claim.Spec.VolumeName); err == nil {
			return existing(bound)
		}
		// It has just been deleted, or will be made under that name.
	}
	class, err := p.classes.Get(volume.GetPersistentVolumeClaimClass(claim))
	if err != nil {
		return attachable{} // Without a class, a claim is bound before its pod is scheduled.
	}
	id := identity{driver: class.Provisioner, claim: claim.Namespace + "/" + claim.Name}
	if !translator.IsMigratableIntreePluginByName(class.Provisioner) {
		return attachable{id: id}
	}
	if id.driver, err = translator.GetCSINameFromInTreeName(class.Provisioner); err != nil || !successors[class.Provisioner] {
		return attachable{}
	}
	return attachable{id: id, migrated: true}
}

func existing(bound *corev1.PersistentVolume) attachable {
	if source := bound.Spec.CSI; source != nil {
		return attachable{id: identity{driver: source.Driver, handle: source.VolumeHandle}}
	}
	if !translator.IsPVMigratable(bound) {
		return attachable{}
	}
	plugin, err := translator.GetInTreePluginNameFromSpec(bound, nil)
	if err != nil || !successors[plugin] {
		return attachable{}
	}
	translated, err := translator.TranslateInTreePVToCSI(klog.Background(), bound)
	if err != nil || translated.Spec.CSI == nil {
		return attachable{} // It cannot be attached either.
	}
	source := translated.Spec.CSI
	return attachable{id: identity{driver: source.Driver, handle: source.VolumeHandle}, migrated: true}
}
