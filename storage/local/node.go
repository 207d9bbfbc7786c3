package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/orrery-dev/orrery/storage/local/store"
)

// NodeGetInfo says which node this is.
func (d *Driver) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: d.options.NodeID, AccessibleTopology: d.topology()}, nil
}

// NodeGetCapabilities says what the node service has. Volumes are not staged: there is nothing to be done once for all pods.
func (d *Driver) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	var told csi.NodeGetCapabilitiesResponse
	for _, kind := range []csi.NodeServiceCapability_RPC_Type{
		csi.NodeServiceCapability_RPC_GET_VOLUME_STATS,
		csi.NodeServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
		csi.NodeServiceCapability_RPC_GET_VOLUME_HEALTH,
	} {
		told.Capabilities = append(told.Capabilities, &csi.NodeServiceCapability{
			Type: &csi.NodeServiceCapability_Rpc{Rpc: &csi.NodeServiceCapability_RPC{Type: kind}},
		})
	}
	return &told, nil
}

// NodePublishVolume mounts a volume at a directory, which is made.
func (d *Driver) NodePublishVolume(ctx context.Context, r *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	if err := missing("volume_id", r.GetVolumeId(), "target_path", r.GetTargetPath()); err != nil {
		return nil, err
	}
	if err := capable([]*csi.VolumeCapability{r.GetVolumeCapability()}); err != nil {
		return nil, err
	}
	err := d.operations.do(ctx, operation{id: volumeID(r.GetVolumeId())}, func(context.Context) error { return d.publish(r) })
	return &csi.NodePublishVolumeResponse{}, answered(err)
}

func (d *Driver) publish(r *csi.NodePublishVolumeRequest) error {
	v, err := d.store.Volume(r.GetVolumeId())
	if err != nil {
		return err
	}
	at, err := targetsOf(d.store.Data(v.ID))
	if err != nil {
		return err
	}
	mode, target := r.GetVolumeCapability().GetAccessMode().GetMode(), r.GetTargetPath()
	here := slices.Contains(at, target)
	if mode == csi.VolumeCapability_AccessMode_SINGLE_NODE_SINGLE_WRITER && len(at) > 0 && !here {
		return status.Errorf(codes.FailedPrecondition, "volume %s is for one pod, and is mounted at %s", v.ID, at[0])
	}
	flags, err := mountFlags(r.GetVolumeCapability().GetMount().GetMountFlags())
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	if r.GetReadonly() || mode == csi.VolumeCapability_AccessMode_SINGLE_NODE_READER_ONLY {
		flags |= readOnly
	}
	if !here {
		if err := os.MkdirAll(target, 0o750); err != nil {
			return err
		}
		if err := mountAt(d.store.Data(v.ID), target); err != nil {
			return err
		}
	}
	return remount(target, flags) // also where a process ended between the two
}

// NodeUnpublishVolume unmounts a volume, and removes the directory.
func (d *Driver) NodeUnpublishVolume(ctx context.Context, r *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	if err := missing("volume_id", r.GetVolumeId(), "target_path", r.GetTargetPath()); err != nil {
		return nil, err
	}
	err := d.operations.do(ctx, operation{id: volumeID(r.GetVolumeId())}, func(context.Context) error {
		if err := unmount(r.GetTargetPath()); err != nil {
			return err
		}
		if err := os.Remove(r.GetTargetPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
	return &csi.NodeUnpublishVolumeResponse{}, answered(err)
}

// NodeGetVolumeStats says how much a volume takes, and may.
func (d *Driver) NodeGetVolumeStats(_ context.Context, r *csi.NodeGetVolumeStatsRequest) (*csi.NodeGetVolumeStatsResponse, error) {
	v, err := d.mounted(r.GetVolumeId(), r.GetVolumePath())
	if err != nil {
		return nil, err
	}
	used, err := d.store.Usage(v)
	if err != nil {
		return nil, answered(err)
	}
	space, err := d.store.Space()
	if err != nil {
		return nil, answered(err)
	}
	left := max(0, v.Capacity-used.Bytes)
	return &csi.NodeGetVolumeStatsResponse{Usage: []*csi.VolumeUsage{
		{Unit: csi.VolumeUsage_BYTES, Total: v.Capacity, Used: used.Bytes, Available: min(left, space.Available)},
		{Unit: csi.VolumeUsage_INODES, Total: space.Inodes, Used: used.Inodes, Available: space.FreeInodes},
	}}, nil
}

// mounted is a volume that is mounted at a path.
func (d *Driver) mounted(id, path string) (store.Volume, error) {
	if err := missing("volume_id", id, "volume_path", path); err != nil {
		return store.Volume{}, err
	}
	v, err := d.store.Volume(id)
	if err != nil {
		return v, answered(err)
	}
	at, err := targetsOf(d.store.Data(id))
	if err != nil {
		return v, answered(err)
	}
	if !slices.Contains(at, path) {
		return v, status.Errorf(codes.NotFound, "volume %s is not mounted at %s", id, path)
	}
	return v, nil
}

// NodeGetVolumeHealth reports a volume that takes more than it may, where nobody keeps it from that.
func (d *Driver) NodeGetVolumeHealth(_ context.Context, r *csi.NodeGetVolumeHealthRequest) (*csi.NodeGetVolumeHealthResponse, error) {
	if err := missing("volume_id", r.GetVolumeId()); err != nil {
		return nil, err
	}
	v, err := d.store.Volume(r.GetVolumeId())
	if err != nil {
		return nil, answered(err)
	}
	used, err := d.store.Usage(v)
	if err != nil {
		return nil, answered(err)
	}
	return &csi.NodeGetVolumeHealthResponse{VolumeHealth: &csi.VolumeHealth{VolumeId: v.ID, HealthStatuses: health(v, used)}}, nil
}
