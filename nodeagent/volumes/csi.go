package volumes

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/orrery-dev/orrery/nodeagent/csi"
)

// CSI is what volumes of CSI drivers take.
type CSI struct {
	// Root is the agent's directory, and Node the node's name.
	Root, Node  string
	Drivers     Drivers
	Definitions Definitions
	Attachments Attachments
}

// Drivers are the CSI drivers of this node.
type Drivers interface {
	// Driver is a driver that is registered; an error if there is none.
	Driver(name string) (*csi.Driver, error)
	// Await is Driver, but waits a little for one that is about to be.
	Await(ctx context.Context, name string) (*csi.Driver, error)
}

// Definitions reads CSIDrivers.
type Definitions interface {
	// CSIDriver is the CSIDriver of a name; nil if there is none.
	CSIDriver(ctx context.Context, name string) (*storagev1.CSIDriver, error)
}

// Attachments waits for volumes that have to be attached to the node.
type Attachments interface {
	// Await returns when a volume is attached, with what its driver says about that.
	Await(ctx context.Context, volume csi.Volume) (map[string]string, error)
}

// csiVolume is a volume of a CSI driver as one pod has it.
type csiVolume struct {
	csi.Volume
	// name is the PersistentVolume's, or that of the volume in the pod where that has it in itself (inline).
	name     string
	inline   bool
	use      csi.Use
	readOnly bool
	modes    []corev1.PersistentVolumeAccessMode
	// attributes are the volume's own.
	attributes                             map[string]string
	stageSecret, publishSecret, growSecret *corev1.SecretReference
	// claim is the one that is bound to it, and capacity how large it is; nil and 0 for one in the pod itself.
	claim    *corev1.PersistentVolumeClaim
	capacity resource.Quantity
}

// persistentCSI is a PersistentVolume of a CSI driver.
func persistentCSI(claim *corev1.PersistentVolumeClaim, pv *corev1.PersistentVolume, readOnly bool) csiVolume {
	source := pv.Spec.CSI
	v := csiVolume{
		Volume: csi.Volume{Driver: source.Driver, Handle: source.VolumeHandle}, name: pv.Name, readOnly: readOnly, modes: pv.Spec.AccessModes,
		use:        csi.Use{Block: isBlock(pv), AccessMode: corev1.ReadWriteOnce},
		attributes: source.VolumeAttributes, stageSecret: source.NodeStageSecretRef, publishSecret: source.NodePublishSecretRef,
		growSecret: source.NodeExpandSecretRef, claim: claim, capacity: pv.Spec.Capacity[corev1.ResourceStorage],
	}
	if !v.use.Block {
		v.use.FSType, v.use.MountOptions = source.FSType, pv.Spec.MountOptions
	}
	if len(v.modes) > 0 {
		v.use.AccessMode = v.modes[0]
	}
	return v
}

// inlineCSI is a volume of a CSI driver that a pod has in itself.
func inlineCSI(pod *corev1.Pod, volume *corev1.Volume) csiVolume {
	source := volume.CSI
	v := csiVolume{
		Volume: csi.Volume{Driver: source.Driver, Handle: csi.InlineHandle(string(pod.UID), volume.Name)}, name: volume.Name, inline: true,
		readOnly: source.ReadOnly != nil && *source.ReadOnly, use: csi.Use{AccessMode: corev1.ReadWriteOnce}, attributes: source.VolumeAttributes,
	}
	if source.FSType != nil {
		v.use.FSType = *source.FSType
	}
	if ref := source.NodePublishSecretRef; ref != nil {
		v.publishSecret = &corev1.SecretReference{Namespace: pod.Namespace, Name: ref.Name}
	}
	return v
}

// exclusive says whether only one pod may have the volume.
func (v *csiVolume) exclusive() bool { return slices.Contains(v.modes, corev1.ReadWriteOncePod) }

// lifecycle is the mode of the volume in the terms of CSIDrivers.
func (v *csiVolume) lifecycle() storagev1.VolumeLifecycleMode {
	if v.inline {
		return storagev1.VolumeLifecycleEphemeral
	}
	return storagev1.VolumeLifecyclePersistent
}

// supported says whether a driver has volumes of this kind. Without a CSIDriver it has persistent ones only.
func (v *csiVolume) supported(definition *storagev1.CSIDriver) error {
	mode := v.lifecycle()
	switch {
	case definition == nil && !v.inline:
		return nil
	case definition == nil:
		return fmt.Errorf("volume mode %q not supported by driver %s (no CSIDriver object)", mode, v.Driver)
	case !slices.Contains(definition.Spec.VolumeLifecycleModes, mode):
		return fmt.Errorf("volume mode %q not supported by driver %s (only supports %q)", mode, v.Driver, definition.Spec.VolumeLifecycleModes)
	default:
		return nil
	}
}

// attachable says whether the volume has to be attached to the node. Without a CSIDriver that says otherwise it has.
func (v *csiVolume) attachable(definition *storagev1.CSIDriver) bool {
	return !v.inline && (definition == nil || definition.Spec.AttachRequired == nil || *definition.Spec.AttachRequired)
}

// owned says whether what is in the volume is to be given to a group by this node.
func (v *csiVolume) owned(group *int64, definition *storagev1.CSIDriver) bool {
	if group == nil || v.readOnly || v.use.Block {
		return false
	}
	switch groupPolicy(definition) {
	case storagev1.NoneFSGroupPolicy:
		return false
	case storagev1.FileFSGroupPolicy:
		return true
	default:
		once := slices.Contains(v.modes, corev1.ReadWriteOnce) || v.exclusive()
		return v.use.FSType != "" && (v.inline || once)
	}
}

func groupPolicy(definition *storagev1.CSIDriver) storagev1.FSGroupPolicy {
	if definition == nil || definition.Spec.FSGroupPolicy == nil {
		return storagev1.ReadWriteOnceWithFSTypeFSGroupPolicy
	}
	return cmp.Or(*definition.Spec.FSGroupPolicy, storagev1.ReadWriteOnceWithFSTypeFSGroupPolicy)
}

// republished says whether a volume is published again now and then, as for tokens that end.
func republished(definition *storagev1.CSIDriver) bool {
	return definition != nil && definition.Spec.RequiresRepublish != nil && *definition.Spec.RequiresRepublish
}

func isBlock(pv *corev1.PersistentVolume) bool {
	return pv.Spec.VolumeMode != nil && *pv.Spec.VolumeMode == corev1.PersistentVolumeBlock
}
