package simulated

import (
	"context"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Snapshots are the IDs of all snapshots that there are, with the volumes that they are of.
func (c *Controller) Snapshots() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]string{}
	for id, s := range c.snapshots {
		all[id] = s.GetSourceVolumeId()
	}
	return all
}

// CreateSnapshot takes a snapshot of nothing. A volume that it does not know was made before a restart, and its size is not known then.
func (c *Controller) CreateSnapshot(ctx context.Context, r *csi.CreateSnapshotRequest, _ ...grpc.CallOption) (*csi.CreateSnapshotResponse, error) {
	if err := c.rehearsed(ctx, r.GetName(), r.GetParameters()); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, there := c.snapshots[r.GetName()]; there {
		if s.GetSourceVolumeId() != r.GetSourceVolumeId() {
			return nil, status.Errorf(codes.AlreadyExists, "snapshot %s is of volume %s", r.GetName(), s.GetSourceVolumeId())
		}
		return &csi.CreateSnapshotResponse{Snapshot: s}, nil
	}
	if c.snapshots == nil {
		c.snapshots = map[string]*csi.Snapshot{}
	}
	c.snapshots[r.GetName()] = &csi.Snapshot{
		SnapshotId: r.GetName(), SourceVolumeId: r.GetSourceVolumeId(), SizeBytes: c.volumes[r.GetSourceVolumeId()].GetCapacityBytes(),
		CreationTime: timestamppb.New(time.Now()), ReadyToUse: true,
	}
	return &csi.CreateSnapshotResponse{Snapshot: c.snapshots[r.GetName()]}, nil
}

// DeleteSnapshot deletes a snapshot.
func (c *Controller) DeleteSnapshot(_ context.Context, r *csi.DeleteSnapshotRequest, _ ...grpc.CallOption) (*csi.DeleteSnapshotResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.snapshots, r.GetSnapshotId())
	return &csi.DeleteSnapshotResponse{}, nil
}

// ListSnapshots finds the snapshot of an ID; it lists no others.
func (c *Controller) ListSnapshots(_ context.Context, r *csi.ListSnapshotsRequest, _ ...grpc.CallOption) (*csi.ListSnapshotsResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	told := &csi.ListSnapshotsResponse{}
	if s, there := c.snapshots[r.GetSnapshotId()]; there {
		told.Entries = []*csi.ListSnapshotsResponse_Entry{{Snapshot: s}}
	}
	return told, nil
}
