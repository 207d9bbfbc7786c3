package csi

import (
	"context"
	"strconv"

	csipb "github.com/container-storage-interface/spec/lib/go/csi"
	corev1 "k8s.io/api/core/v1"
)

// Use is how a volume is to be used.
type Use struct {
	// Block: as a device, and not as a file system.
	Block bool
	// FSType and MountOptions are for file systems.
	FSType       string
	MountOptions []string
	// Group is to own what is there; nil leaves that alone. It is for drivers that mount for groups.
	Group      *int64
	AccessMode corev1.PersistentVolumeAccessMode
}

// Stage is what staging a volume takes.
type Stage struct {
	Handle, StagingPath string
	Use                 Use
	// PublishContext is what attaching it has told, and Attributes are the volume's own.
	PublishContext, Attributes, Secrets map[string]string
}

// Publish is what publishing a volume to a pod takes.
type Publish struct {
	Stage // its StagingPath is "" where nothing was staged
	// TargetPath is where the pod is to find it.
	TargetPath string
	ReadOnly   bool
}

// Stage readies a volume for the pods of the node.
func (d *Driver) Stage(ctx context.Context, s Stage) error {
	capability, err := d.capability(ctx, s.Use)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	_, err = d.node.NodeStageVolume(ctx, &csipb.NodeStageVolumeRequest{
		VolumeId: s.Handle, StagingTargetPath: s.StagingPath, VolumeCapability: capability,
		PublishContext: s.PublishContext, VolumeContext: s.Attributes, Secrets: s.Secrets,
	})
	return err
}

// Publish gives a volume to a pod.
func (d *Driver) Publish(ctx context.Context, p Publish) error {
	capability, err := d.capability(ctx, p.Use)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	_, err = d.node.NodePublishVolume(ctx, &csipb.NodePublishVolumeRequest{
		VolumeId: p.Handle, StagingTargetPath: p.StagingPath, TargetPath: p.TargetPath, Readonly: p.ReadOnly, VolumeCapability: capability,
		PublishContext: p.PublishContext, VolumeContext: p.Attributes, Secrets: p.Secrets,
	})
	return err
}

// Unpublish takes a volume from a pod.
func (d *Driver) Unpublish(ctx context.Context, handle, targetPath string) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	_, err := d.node.NodeUnpublishVolume(ctx, &csipb.NodeUnpublishVolumeRequest{VolumeId: handle, TargetPath: targetPath})
	return err
}

// Unstage undoes Stage. No pod of the node may have the volume any more.
func (d *Driver) Unstage(ctx context.Context, handle, stagingPath string) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	_, err := d.node.NodeUnstageVolume(ctx, &csipb.NodeUnstageVolumeRequest{VolumeId: handle, StagingTargetPath: stagingPath})
	return err
}

// capability is a use in CSI's terms.
func (d *Driver) capability(ctx context.Context, use Use) (*csipb.VolumeCapability, error) {
	exact, err := d.can(ctx, csipb.NodeServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER)
	if err != nil {
		return nil, err
	}
	capability := &csipb.VolumeCapability{AccessMode: &csipb.VolumeCapability_AccessMode{Mode: accessMode(use.AccessMode, exact)}}
	if use.Block {
		capability.AccessType = &csipb.VolumeCapability_Block{Block: &csipb.VolumeCapability_BlockVolume{}}
		return capability, nil
	}
	mount := &csipb.VolumeCapability_MountVolume{FsType: use.FSType, MountFlags: use.MountOptions}
	if use.Group != nil {
		mount.VolumeMountGroup = strconv.FormatInt(*use.Group, 10)
	}
	capability.AccessType = &csipb.VolumeCapability_Mount{Mount: mount}
	return capability, nil
}

// accessMode is an access mode in CSI's terms; exact is for drivers that tell one writer on a node from many.
func accessMode(mode corev1.PersistentVolumeAccessMode, exact bool) csipb.VolumeCapability_AccessMode_Mode {
	switch mode {
	case corev1.ReadWriteOnce:
		if exact {
			return csipb.VolumeCapability_AccessMode_SINGLE_NODE_MULTI_WRITER
		}
		return csipb.VolumeCapability_AccessMode_SINGLE_NODE_WRITER
	case corev1.ReadWriteOncePod:
		if exact {
			return csipb.VolumeCapability_AccessMode_SINGLE_NODE_SINGLE_WRITER
		}
		return csipb.VolumeCapability_AccessMode_SINGLE_NODE_WRITER
	case corev1.ReadOnlyMany:
		return csipb.VolumeCapability_AccessMode_MULTI_NODE_READER_ONLY
	case corev1.ReadWriteMany:
		return csipb.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER
	default:
		return csipb.VolumeCapability_AccessMode_UNKNOWN
	}
}

// Expand is what expanding a volume that has grown takes.
type Expand struct {
	Handle, StagingPath, VolumePath string
	Use                             Use
	Secrets                         map[string]string
	// Bytes is how large it is at least.
	Bytes int64
}

// Expand has the node use all of a volume that has grown.
func (d *Driver) Expand(ctx context.Context, e Expand) error {
	capability, err := d.capability(ctx, e.Use)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	_, err = d.node.NodeExpandVolume(ctx, &csipb.NodeExpandVolumeRequest{
		VolumeId: e.Handle, VolumePath: e.VolumePath, StagingTargetPath: e.StagingPath, VolumeCapability: capability, Secrets: e.Secrets,
		CapacityRange: &csipb.CapacityRange{RequiredBytes: e.Bytes},
	})
	return err
}

// Usage is how full a volume is. What is not known is nil.
type Usage struct{ Bytes, Inodes *Amounts }

// Amounts are of bytes, or of inodes.
type Amounts struct{ Total, Used, Available uint64 }

// Usage measures a volume that is published at a path.
func (d *Driver) Usage(ctx context.Context, handle, volumePath string) (Usage, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	answer, err := d.node.NodeGetVolumeStats(ctx, &csipb.NodeGetVolumeStatsRequest{VolumeId: handle, VolumePath: volumePath})
	if err != nil {
		return Usage{}, err
	}
	var usage Usage
	for _, each := range answer.GetUsage() {
		amounts := &Amounts{Total: uint64(each.GetTotal()), Used: uint64(each.GetUsed()), Available: uint64(each.GetAvailable())}
		switch each.GetUnit() {
		case csipb.VolumeUsage_BYTES:
			usage.Bytes = amounts
		case csipb.VolumeUsage_INODES:
			usage.Inodes = amounts
		}
	}
	return usage, nil
}
