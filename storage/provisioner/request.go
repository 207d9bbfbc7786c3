package provisioner

import (
	"errors"
	"fmt"
	"strings"

	"github.com/container-storage-interface/spec/lib/go/csi"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/storage/volume"
)

// The parameters of a class that are for provisioners, and not for drivers.
const (
	reserved        = "csi.storage.k8s.io/"
	fsTypeParameter = reserved + "fstype"
)

// request is what the driver is asked for.
func (c Controller) request(claim *ocorev1.PersistentVolumeClaim, w world) (*csi.CreateVolumeRequest, error) {
	parameters, err := ownParameters(w.class.Parameters)
	if err != nil {
		return nil, err
	}
	if name := claim.Spec.VolumeAttributesClassName; name != nil && *name != "" {
		return nil, fmt.Errorf("the claim names VolumeAttributesClass %s, and this provisioner modifies no volumes", *name)
	}
	r := &csi.CreateVolumeRequest{
		Name:                volumeName(claim),
		Parameters:          parameters,
		VolumeContentSource: w.source,
		CapacityRange:       &csi.CapacityRange{RequiredBytes: claim.Spec.Resources.Requests.Storage().Value()},
	}
	for _, mode := range claim.Spec.AccessModes {
		capability, err := c.capability(claim, w.class, mode)
		if err != nil {
			return nil, err
		}
		r.VolumeCapabilities = append(r.VolumeCapabilities, capability)
	}
	if segments, _ := c.Place.Segments(claim.Annotations[volume.AnnSelectedNode]); len(segments) > 0 {
		here := []*csi.Topology{{Segments: segments}}
		r.AccessibilityRequirements = &csi.TopologyRequirement{Requisite: here, Preferred: here}
	}
	return r, nil
}

// ownParameters are those of a class that the driver gets.
func ownParameters(of map[string]string) (map[string]string, error) {
	own := map[string]string{}
	for key, value := range of {
		switch {
		case !strings.HasPrefix(key, reserved):
			own[key] = value
		case key == fsTypeParameter:
		case strings.Contains(key, "secret"):
			return nil, fmt.Errorf("the class has the parameter %s, and this provisioner reads no Secrets", key)
		default:
			return nil, fmt.Errorf("found unknown parameter key %q with reserved namespace %s", key, reserved)
		}
	}
	return own, nil
}

// capability is an access mode of a claim as CSI has it.
func (c Controller) capability(claim *ocorev1.PersistentVolumeClaim, class *ostoragev1.StorageClass, mode corev1.PersistentVolumeAccessMode) (*csi.VolumeCapability, error) {
	capability := &csi.VolumeCapability{AccessMode: &csi.VolumeCapability_AccessMode{Mode: c.mode(mode)}}
	if capability.AccessMode.Mode == csi.VolumeCapability_AccessMode_UNKNOWN {
		return nil, fmt.Errorf("access mode %s is not one that driver %s knows", mode, c.Name)
	}
	if isBlock(claim) {
		capability.AccessType = &csi.VolumeCapability_Block{Block: &csi.VolumeCapability_BlockVolume{}}
		return capability, nil
	}
	capability.AccessType = &csi.VolumeCapability_Mount{Mount: &csi.VolumeCapability_MountVolume{
		FsType: class.Parameters[fsTypeParameter], MountFlags: class.MountOptions,
	}}
	return capability, nil
}

func isBlock(claim *ocorev1.PersistentVolumeClaim) bool {
	return claim.Spec.VolumeMode != nil && *claim.Spec.VolumeMode == corev1.PersistentVolumeBlock
}

// mode is an access mode as CSI has it, which since version 1.5 tells apart whether one pod or a node may write.
func (c Controller) mode(mode corev1.PersistentVolumeAccessMode) csi.VolumeCapability_AccessMode_Mode {
	tellsApart := c.Can[csi.ControllerServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER]
	switch {
	case mode == corev1.ReadWriteOnce && tellsApart:
		return csi.VolumeCapability_AccessMode_SINGLE_NODE_MULTI_WRITER
	case mode == corev1.ReadWriteOnce:
		return csi.VolumeCapability_AccessMode_SINGLE_NODE_WRITER
	case mode == corev1.ReadWriteOncePod && tellsApart:
		return csi.VolumeCapability_AccessMode_SINGLE_NODE_SINGLE_WRITER
	case mode == corev1.ReadOnlyMany:
		return csi.VolumeCapability_AccessMode_MULTI_NODE_READER_ONLY
	case mode == corev1.ReadWriteMany:
		return csi.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER
	default:
		return csi.VolumeCapability_AccessMode_UNKNOWN
	}
}

// errSourceNotReady is how external-provisioner says that a claim cannot be copied.
var errSourceNotReady = errors.New("claim in dataSource not bound or invalid")
